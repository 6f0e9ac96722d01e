"""Counts of views, recent documents, and last visits."""
