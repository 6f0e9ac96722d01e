"""Presence of other nodes: each publishes all of its own again and again, and it expires with the node."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from collab_server.core.protocol.cluster_messages import NodeMessage, States
from collab_server.realtime.documents.live_document import LiveDocument

PUBLISH_SECONDS = 4.0
PUBLISH_SECONDS_ALONE = 10.0
"""Seconds between publications of all presence of a document, with and without other known nodes."""
EXPIRE_SECONDS = 12.0
"""Presence of a node that has not published for this long is removed."""


@dataclass(slots=True)
class _Peer:
    """Another node in a document. `number`: of its last message about presence. `received`: when (monotonic)."""

    owner: int
    number: int
    received: float


class PeerPresence:
    """Publishes presence of this node, and receives that of the others. `send`: sends a message about a document."""

    def __init__(self, send: Callable[[UUID, NodeMessage], None]) -> None:
        self._send = send
        self._numbers = itertools.count(1)
        self._owners: dict[bytes, int] = {}
        self._peers: dict[UUID, dict[bytes, _Peer]] = {}
        self._published: dict[UUID, float] = {}

    def publish(self, document: LiveDocument, clients: set[int]) -> None:
        """Publish the presence of these client ids."""
        if states := document.presence.told_to_nodes(clients):
            self._send(document.id, States(next(self._numbers), False, tuple(states)))  # noqa: FBT003

    def publish_all(self, document: LiveDocument) -> None:
        """Publish all presence that this node owns."""
        self._published[document.id] = time.monotonic()
        states = tuple(document.presence.own_states())
        self._send(document.id, States(next(self._numbers), True, states))  # noqa: FBT003

    def publish_soon(self) -> None:
        """Publish all documents at the next tick."""
        self._published.clear()

    def receive(self, document: LiveDocument, node: bytes, message: States) -> None:
        peers = self._peers.setdefault(document.id, {})
        peer = peers.get(node)
        if peer is None:
            owner = self._owners.setdefault(node, -1 - len(self._owners))
            peer = peers[node] = _Peer(owner, 0, 0.0)
            # That node may not know the presence of this one either.
            self._published.pop(document.id, None)
        if message.number <= peer.number:
            return
        peer.number, peer.received = message.number, time.monotonic()
        document.receive_node_presence(peer.owner, message.states, complete=message.complete)

    def forget(self, document_id: UUID) -> None:
        """Drop what is known of a closed document."""
        self._peers.pop(document_id, None)
        self._published.pop(document_id, None)

    def tick(self, document: LiveDocument, now: float) -> None:
        """Remove nodes that have expired, and publish all presence where it is due."""
        peers = self._peers.get(document.id, {})
        for node, peer in list(peers.items()):
            if now - peer.received > EXPIRE_SECONDS:
                del peers[node]
                document.remove_node(peer.owner)
        if not len(document.presence):
            return
        pause = PUBLISH_SECONDS if peers else PUBLISH_SECONDS_ALONE
        if now - self._published.get(document.id, 0.0) > pause:
            self.publish_all(document)
