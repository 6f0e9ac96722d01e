"""Presence changes of one document that were not sent yet."""

from typing import NamedTuple


class PresenceChange(NamedTuple):
    """Client ids whose state changed. `sources`: the connections and nodes that changed them."""

    clients: set[int]
    sources: set[int]


class PresenceTurn:
    """Collects presence changes until they are due.

    `is_due`: the changes are sent at the end of this turn.
    """

    __slots__ = ("_clients", "_sources", "_to_publish", "is_due")

    def __init__(self) -> None:
        self.is_due = False
        self._clients: set[int] = set()
        self._sources: set[int] = set()
        self._to_publish: set[int] = set()

    @property
    def is_collecting(self) -> bool:
        return bool(self._clients)

    def add(self, source: int, clients: set[int], *, publish: bool) -> None:
        """Add changed client ids. `publish`: tell the other nodes too."""
        self._clients |= clients
        self._sources.add(source)
        if publish:
            self._to_publish |= clients

    def take(self) -> PresenceChange | None:
        """The changes to send now; None where there are none."""
        self.is_due = False
        change = PresenceChange(self._clients, self._sources)
        self._clients, self._sources = set(), set()
        return change if change.clients else None

    def take_to_publish(self) -> set[int]:
        """Client ids to publish to the other nodes."""
        clients, self._to_publish = self._to_publish, set()
        return clients
