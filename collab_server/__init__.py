"""A durable real-time collaborative editing server for Yjs documents."""

__version__ = "0.2.0"
