"""Files on disk for the time of a request, and the worker processes that convert them."""
