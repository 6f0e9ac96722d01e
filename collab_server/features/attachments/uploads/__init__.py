"""Files that arrive in several requests: in parts, or straight to the file store."""
