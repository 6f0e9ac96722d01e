"""The text of a document over REST: reading, rendering and editing."""
