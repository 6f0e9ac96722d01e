"""Tiptap as the tests run it, see package.json."""
