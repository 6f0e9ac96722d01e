"""A pycrdt-websocket server in memory, on uvicorn and uvloop: python pycrdt_websocket_server.py PORT"""

import sys

import uvicorn
import uvloop
from pycrdt.websocket import ASGIServer, WebsocketServer  # type: ignore[import-not-found]


async def serve(port: int) -> None:
    async with WebsocketServer() as rooms:
        config = uvicorn.Config(ASGIServer(rooms), host="127.0.0.1", port=port, log_level="warning", lifespan="off")
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
