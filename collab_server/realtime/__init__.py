"""Rooms and sockets of this process: the way of an edit from one client to the others and into the log."""
