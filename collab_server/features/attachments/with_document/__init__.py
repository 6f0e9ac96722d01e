"""Attachments that are made in the transaction of their document: copies, and files of imports."""
