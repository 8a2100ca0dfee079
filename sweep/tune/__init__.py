"""The one place that knows Ray."""
