"""Anchors: characters of a document that are followed through its edits."""
