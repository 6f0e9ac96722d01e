"""The trash, and recovery from the archive of deleted documents."""
