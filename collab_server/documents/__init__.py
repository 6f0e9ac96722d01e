"""Documents: their names and addresses, their log and snapshot in PostgreSQL, and the routes that read and make
them.
"""
