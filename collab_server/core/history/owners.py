"""The authors of structs. A Yjs client id belongs to the author who used it first."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from collab_server.core.history.parts import Parts, Rows, find_changes
from collab_server.core.history.segment import UNKNOWN, HistoryAuthor
from collab_server.core.history.stored_history import identity_of


class Owners:
    """The authors of Yjs client ids, learned from what the rows of a log insert, in their order."""

    def __init__(self) -> None:
        self._owners: dict[int, HistoryAuthor] = {}

    def find_author(self, deliverer: HistoryAuthor, client: int) -> HistoryAuthor:
        """Return the author of what somebody delivered for a client. Must be asked in the order of the log.

        Structs that somebody else delivered keep the author of their client id. If nobody is known for the id, whoever
        delivered them is marked as their relay.
        """
        author = deliverer
        if deliverer.others:
            author = dict(deliverer.others).get(client) or replace(deliverer, others=())
        owner = self._owners.get(client)
        if owner is None:
            if not author.is_relayed and author.kind != UNKNOWN.kind:
                self._owners[client] = author
            return author
        if owner is author:
            return author
        return owner if identity_of(owner) != identity_of(author) else author


def find_authors(rows: Rows, inserted: Parts) -> Iterator[tuple[int, int, HistoryAuthor]]:
    """Find the authors of what rows were the first to insert: (first index, index after the last, author)."""
    owners = Owners()
    clients = inserted.owners
    delivered = {bisect_left(inserted.rows, first) for first, _ in find_changes(rows.deliverers)}
    firsts = sorted(delivered.union(first for first, _ in find_changes(clients)))
    for first, stop in pairwise([*firsts, len(clients)]):
        if first < stop:
            deliverer = rows.authors[rows.deliverers[inserted.rows[first]]]
            yield first, stop, owners.find_author(deliverer, inserted.clients[clients[first]])
