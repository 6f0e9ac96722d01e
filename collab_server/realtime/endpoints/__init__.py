"""Routes of WebSockets, event streams and presence."""
