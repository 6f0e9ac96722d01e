"""Carries edits of a former generation over to the next one.

Both generations have the same content at the place where one ends and the next begins. What the edits make of it in the
former one is composed as the smallest change of the next one, so that it merges with what has been edited there since.
"""

from collections.abc import Collection
from dataclasses import dataclass

from collab_server.core.history.bring_back import compose_difference
from collab_server.core.history.encoded_tree import read_encoded_tree
from collab_server.core.yjs.inspection import inspect
from collab_server.core.yjs.updates import EMPTY_UPDATE, diff, merge
from collab_server.errors import Malformed, StaleGeneration


@dataclass(frozen=True, slots=True)
class Seam:
    """Where a generation ends and the next begins. former, next: the same content in both, with what was carried over
    since. next_vector: the state vector of the next one as it began.
    """

    former: bytes
    next: bytes
    next_vector: bytes


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """seam: with the edits; the same object where they change nothing. update: everything carried over so far, for the
    next generation.
    """

    seam: Seam
    update: bytes


def carry_over(seam: Seam, update: bytes, client: int, foreign: Collection[int] = ()) -> CarriedOver:
    """Carry a validated update of the former generation over, as edits of `client`, which the next one does not know.

    Edits that were carried over before change nothing. foreign: clients of other generations. Raises Malformed for
    unreadable bytes or where edits before these are missing, StaleGeneration for edits of `foreign`, and TooMuchWork
    for too many nested types.
    """
    if any(one in foreign for one, _, _ in inspect(update).structs):
        raise StaleGeneration("this update is of another generation than it says")
    merged = merge([seam.former, update])
    wanted = read_encoded_tree(merged)
    for known, _, end in inspect(merged).structs:
        if wanted.clients[known].end < end:
            raise Malformed("these edits follow others that the server does not have; send all of your copy")
    edit = compose_difference(read_encoded_tree(seam.next), wanted, client)
    if edit.update != EMPTY_UPDATE:
        seam = Seam(merged, merge([seam.next, edit.update]), seam.next_vector)
    return CarriedOver(seam, diff(seam.next, seam.next_vector))
