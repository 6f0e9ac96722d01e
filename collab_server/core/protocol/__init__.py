"""Wire formats: y-websocket, Hocuspocus, messages between nodes, and the offline sync format."""
