"""Suggested changes of a document: what they refer to, and where that is now. Pure; runs in worker processes."""
