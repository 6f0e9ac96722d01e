"""What a file must pass before it is kept."""
