"""Redis: messages between nodes, and rate limits that nodes share."""
