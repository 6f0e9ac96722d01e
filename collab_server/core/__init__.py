"""Pure functions on bytes and values, without await, clock, randomness, socket or database."""
