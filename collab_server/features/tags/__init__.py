"""Tags, categories and favourites."""
