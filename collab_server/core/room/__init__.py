"""The state of one open document: its updates, its presence, and what is committed."""
