"""Import of files as documents."""
