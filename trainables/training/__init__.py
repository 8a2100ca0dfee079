"""Trains one point."""
