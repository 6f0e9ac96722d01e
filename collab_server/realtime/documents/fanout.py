"""Decides which bytes each connection of a document is sent at the end of a turn."""

from collections.abc import Container, Mapping, Sequence

from collab_server.adapters.websocket.frame_parser import Outgoing
from collab_server.adapters.websocket.socket import Socket
from collab_server.core.protocol import hocuspocus
from collab_server.core.protocol.messages import encode_awareness, encode_update
from collab_server.core.room.presence import Presence
from collab_server.core.yjs.updates import merge
from collab_server.realtime.documents.document_connection import DocumentConnection, addressed
from collab_server.realtime.documents.presence_turn import PresenceChange

Connections = Mapping[int, DocumentConnection]


Write = tuple[Outgoing, list[Socket]]
"""Frames with the sockets to write them to."""


def fan_out(
    connections: Connections,
    updates: Sequence[tuple[int, bytes]],
    presence: Presence,
    change: PresenceChange | None,
) -> tuple[list[Write], list[DocumentConnection], int]:
    """Fan out the `updates` of a turn, each with the connection that sent it, and a change of the `presence`.

    A connection gets the updates that it did not send, and no presence that it alone changed. Frames are encoded once
    for all connections that get the same. Connections that are not ready get everything with their first sync.

    Returns the writes, the connections that cannot be written to now, and the number of (update, connection) pairs in
    the writes.
    """
    awareness = None if change is None else encode_awareness(presence.payload(change.clients))
    only_source = None
    if change is not None and len(change.sources) == 1:
        (only_source,) = change.sources
    count = len(updates)
    content: tuple[bytes, ...] = ()
    authors: Container[int] = ()
    if count == 1:
        ((author, update),) = updates
        authors, content = (author,), (encode_update(update),)
    elif count:
        authors = {key for key, _ in updates}
        content = (encode_update(merge([update for _, update in updates])),)
    everything = content if awareness is None else (*content, awareness)
    # Most connections are y-websocket ones, which need no lookup of frames for their address.
    with_content: list[Socket] = []
    with_everything: list[Socket] = []
    content_by_address: dict[str, Write] = {}
    with_presence_by_address: dict[str, Write] = {}
    writes: list[Write] = []
    lagging: list[DocumentConnection] = []
    deliveries = 0
    for key, connection in connections.items():
        if not connection.ready:
            continue
        socket = connection.socket
        if connection.lagging_from is not None or socket.congested:
            lagging.append(connection)
        elif key in authors:
            own = [] if count == 1 else [encode_update(update) for author, update in updates if author != key]
            deliveries += len(own)
            if awareness is not None and key != only_source:
                own.append(awareness)
            if own:
                writes.append((Outgoing(addressed(connection.address, tuple(own))), [socket]))
        else:
            with_presence = awareness is not None and key != only_source
            address = connection.address
            if address is None:
                (with_everything if with_presence else with_content).append(socket)
            elif with_presence or content:
                by_address = with_presence_by_address if with_presence else content_by_address
                group = by_address.get(address)
                if group is None:
                    messages = everything if with_presence else content
                    group = by_address[address] = (Outgoing(addressed(address, messages)), [])
                    writes.append(group)
                group[1].append(socket)
                deliveries += count
    if with_content and content:
        writes.append((Outgoing(content), with_content))
        deliveries += count * len(with_content)
    if with_everything:
        writes.append((Outgoing(everything), with_everything))
        deliveries += count * len(with_everything)
    return writes, lagging, deliveries


def fan_out_stateless(connections: Connections, payload: str) -> list[Write]:
    """Fan out a stateless message to all Hocuspocus connections able to keep up."""
    groups: dict[str, Write] = {}
    for connection in connections.values():
        address, socket = connection.address, connection.socket
        if address is None or not connection.ready or connection.lagging_from is not None or socket.congested:
            continue
        group = groups.get(address)
        if group is None:
            group = groups[address] = (Outgoing((hocuspocus.stateless(address, payload),)), [])
        group[1].append(socket)
    return list(groups.values())
