"""Periodic deletion of outdated, expired and trashed data."""
