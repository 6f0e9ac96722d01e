"""Whole documents: projection, compaction, and edits of their content. Runs in a worker process."""
