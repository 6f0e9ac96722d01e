"""The Yjs update format: reading, checking, merging and writing updates."""
