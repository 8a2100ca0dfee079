"""Trains one configuration."""
