"""Markdown: parser, reading into ProseMirror nodes and writing, front matter, sections and excerpts."""
