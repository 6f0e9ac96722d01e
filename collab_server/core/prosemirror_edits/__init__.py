"""Edits of ProseMirror documents, given as Markdown."""
