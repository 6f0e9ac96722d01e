"""Conversion of a document between Markdown and rich text, by a fresh copy that keeps the authors."""
