"""Open documents: their connections, fan-out, commits and compaction."""
