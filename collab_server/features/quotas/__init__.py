"""Limits of documents and storage in workspaces."""
