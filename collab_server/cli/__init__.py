"""The command `collab-server`."""
