"""The HTTP edge: who asks, problem responses, headers, health."""
