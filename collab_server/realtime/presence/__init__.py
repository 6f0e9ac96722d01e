"""Presence in the table `presence`, and the presence of API clients."""
