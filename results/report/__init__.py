"""Draws a `Summary`: terminal, CSV, and one page of HTML."""
