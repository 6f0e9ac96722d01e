"""The log of a document and its snapshot in PostgreSQL: reading, appending, verifying, repairing."""
