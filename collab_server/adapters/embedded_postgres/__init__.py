"""The PostgreSQL that `collab-server serve` starts when none is configured."""
