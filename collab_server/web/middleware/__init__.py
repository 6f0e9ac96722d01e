"""ASGI middleware: headers, host names, request rates and body sizes."""
