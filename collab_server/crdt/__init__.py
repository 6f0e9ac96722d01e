"""Bytes and values in, bytes and values out: the wire protocols, encoded Yjs updates, and documents.

Nothing here awaits, reads a clock, draws randomness, or touches a socket or the database.
"""
