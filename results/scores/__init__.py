"""Every number that is shown, computed once from the ledger."""
