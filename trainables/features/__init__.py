"""The frozen-feature store: what is frozen is computed once."""
