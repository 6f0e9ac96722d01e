"""Sessions: one connection that speaks one protocol."""
