"""Which trial comes next, and when a weak one stops."""
