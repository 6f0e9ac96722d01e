"""Comments in exported files."""
