"""Real clients: the stock y-websocket and Hocuspocus providers in Node, driven from Python."""
