"""Processes: start-up, the server process, the supervisor, and listening sockets."""
