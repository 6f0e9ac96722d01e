"""PostgreSQL, Redis, mail and worker processes."""
