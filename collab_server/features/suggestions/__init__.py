"""Suggested changes of documents: proposed by commenters, accepted or rejected by editors."""
