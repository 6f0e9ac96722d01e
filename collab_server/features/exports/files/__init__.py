"""Attachments in exported files: as pictures in them, or as files beside them."""
