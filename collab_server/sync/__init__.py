"""What clients need that work without a connection: many documents' missing updates out, many documents' edits in."""
