"""Commands of `collab-client` that are not in cli.py."""
