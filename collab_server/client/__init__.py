"""A client that works without a connection: documents in an SQLite file, edits in a journal, sync when there is one.

It shares nothing with the server but the wire formats of crdt/.
"""
