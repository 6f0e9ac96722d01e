"""What a file is: its name, its type, and pictures."""
