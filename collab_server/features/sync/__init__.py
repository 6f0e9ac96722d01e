"""Offline synchronisation: pull and push of many documents at once."""
