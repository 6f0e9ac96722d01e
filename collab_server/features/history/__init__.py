"""The history of documents: versions, moments, authors, and edits that bring earlier content back."""
