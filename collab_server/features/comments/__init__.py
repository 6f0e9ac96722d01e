"""Comments on documents: threads, anchors, mentions and reactions."""
