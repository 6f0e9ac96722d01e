"""Generations of a document: a fresh copy of its content, and edits that are carried over to it."""
