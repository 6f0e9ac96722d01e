"""Attachments of documents: lists of them in the client's file, and copies in a folder beside it."""
