"""Counts of views, and recent documents."""
