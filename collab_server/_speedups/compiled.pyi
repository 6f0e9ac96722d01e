"""Written in C: compiled.c. Absent where no compiler was found."""

from typing import Any

Range = tuple[int, int, int]

INTERFACE: int
"""Raised when these functions change; see __init__.py."""

def inspect_plain(update: bytes, /) -> tuple[tuple[Range, ...], tuple[Range, ...]] | None:
    """(structs, deletes) of a plain update as in UpdateSummary; None: it is not plain, or not an update.

    Plain: text, deleted items, GC and Skip, of at most 16 clients, with at most 32 ranges of structs and 32 of deletes.
    `core.yjs.updates.validate` takes every plain update, with the same ranges, and marks none.
    """

def read_update_frame(
    chunk: bytes, addressed: bool, /
) -> tuple[int, str | None, bytes, tuple[Range, ...], tuple[Range, ...]] | None:
    """(bytes of the message, address, update, structs, deletes) of a chunk from a socket that is exactly one whole,
    masked binary frame of at most 4,096 bytes with an Update message whose update is plain; else None.

    addressed: the message begins with an address, as in Hocuspocus; else the address is None.
    """

def write_to_all(sockets: list[Any], outgoing: Any, /) -> None:
    """`socket.write(outgoing)` for every socket, in order.

    For a socket with a `descriptor` of 0 or more that is `_direct`, this is done here: `_sent` is set, and the kernel
    is given `outgoing.wire` where `_transport` neither has data to send nor is closing. What the kernel does not take
    goes to `_transport.write`. Raises what is raised by what is called; the sockets behind then get nothing.
    """

def write_update(connections: dict[int, Any], author: int, update: bytes, /) -> int | None:
    """Write an update as an Update message, behind its `address` if it has one, to every connection that is `ready`,
    but the author's. Returns to how many.

    None: nothing was written. One of them is `lagging_from` somewhere, or its socket is not such as `write_to_all`
    sends to by itself; or the update or an address has more than 4,096 bytes.
    """
