"""Shares of documents: for people without a membership, and links for whoever has them; requests for access."""
