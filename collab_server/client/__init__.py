"""Offline client: documents in an SQLite file, edits in a journal, and synchronisation when the server is reachable.

It shares only the wire formats of core/ with the server.
"""
