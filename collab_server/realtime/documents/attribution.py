"""The authors of edits that sockets deliver."""

from collections.abc import Mapping

from collab_server.core.room.entries import Author
from collab_server.core.room.presence import Presence
from collab_server.core.yjs.inspection import UpdateSummary
from collab_server.realtime.documents.document_connection import DocumentConnection


def find_author(
    connection: DocumentConnection,
    summary: UpdateSummary,
    presence: Presence,
    connections: Mapping[int, DocumentConnection],
) -> Author:
    """Return the author of an update: the connection's, and others for structs of Yjs clients that are not its own.

    A client id belongs to the connection that announces presence with it. A connection that announces presence, and
    delivers structs of an id that nobody announces, is marked as their relay. A connection without presence is taken
    as the author of everything that nobody announces.
    """
    for client, _, _ in summary.structs:
        owner = presence.find_owner(client)
        if owner != connection.key and (owner is not None or presence.owned_by(connection.key)):
            return _credit(connection, summary, presence, connections)
    return connection.author


def _credit(
    connection: DocumentConnection,
    summary: UpdateSummary,
    presence: Presence,
    connections: Mapping[int, DocumentConnection],
) -> Author:
    others: dict[int, Author] = {}
    for client, _, _ in summary.structs:
        owner = presence.find_owner(client)
        if owner == connection.key:
            continue
        announcer = connections.get(owner) if owner is not None else None
        if announcer is None:
            others[client] = connection.author._replace(is_relayed=True)
        elif announcer.author != connection.author:
            others[client] = announcer.author
    return connection.author._replace(others=tuple(sorted(others.items(), key=lambda pair: pair[0])))
