"""Conversion of documents between Markdown and rich text."""
