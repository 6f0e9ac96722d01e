"""Documents: names, addresses, metadata and lists."""
