"""Backbones with heads, their weights, and where they are cut."""
