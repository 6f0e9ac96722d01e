"""Texts of PDF and Word attachments, for the search."""
