"""Search over titles, descriptions, content and tags."""
