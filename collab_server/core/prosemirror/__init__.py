"""ProseMirror documents as Yjs trees."""
