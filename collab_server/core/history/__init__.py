"""The history of a document: who wrote what and when, its content at any moment, and edits that bring it back."""
