"""How a socket is told that it cannot begin, or cannot go on."""

from collab_server.errors import CollabError, MessageTooLarge, Unavailable
from collab_server.realtime.hub import Hub
from collab_server.telemetry import log
from collab_server.transport.socket import Socket


def too_large(most: int) -> MessageTooLarge:
    """For who sends more than a whole document may have."""
    return MessageTooLarge(f"a document may have at most {most} bytes; docs/limits.md tells what to do")


def refuse(hub: Hub, socket: Socket, connection: str, error: Exception) -> None:
    """Close with the error's code; a fault of ours is logged, and the client may come back."""
    if not isinstance(error, CollabError):
        log.error("a socket failed", extra={"connection": connection}, exc_info=error)
        error = Unavailable("an internal error; come back later")
    hub.counts.errors[error.code] += 1
    log.info("socket refused", extra={"connection": connection, "code": error.code, "reason": error.detail})
    socket.end(error.close_code, error.close_reason)
