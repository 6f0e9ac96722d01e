"""Malware in files, as clamd finds it."""

from collab_server.adapters.clamd.scanner import Scanner

__all__ = ["Scanner"]
