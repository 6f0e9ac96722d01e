"""Closes sockets with the code of an error."""

from collab_server.adapters.websocket.socket import Socket
from collab_server.errors import CollabError, MessageTooLarge, Unavailable
from collab_server.observability.logging import log
from collab_server.observability.metrics import Counts


def too_large(most: int) -> MessageTooLarge:
    """The error for a message that is larger than a whole document may be."""
    return MessageTooLarge(f"a document may have at most {most} bytes; docs/reference/limits.md tells what to do")


def refuse(counts: Counts, socket: Socket, connection: str, error: Exception) -> None:
    """Refuse a socket. A fault of the server is logged, and the client may come back.

    `connection`: name of the socket in the log.
    """
    if not isinstance(error, CollabError):
        log.error("a socket failed", extra={"connection": connection}, exc_info=error)
        error = Unavailable("an internal error; come back later")
    counts.errors[error.code] += 1
    log.info("socket refused", extra={"connection": connection, "code": error.code, "reason": error.detail})
    socket.end(error.close_code, error.close_reason)


def close_socket(counts: Counts, socket: Socket, connection: str, error: CollabError) -> None:
    """Close a served socket. `connection`: its name in the log."""
    counts.errors[error.code] += 1
    log.info(
        "socket closed by the server",
        extra={"connection": connection, "code": error.code, "reason": error.detail},
    )
    socket.end(error.close_code, error.close_reason)
