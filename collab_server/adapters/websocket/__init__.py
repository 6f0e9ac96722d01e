"""Sockets that a room can write to without waiting: our uvicorn protocol class, and a plain ASGI fallback."""
