"""What a program's edit is made of: a function, run in a worker, that turns a document's bytes into one update."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from collab_server.crdt import updates
from collab_server.crdt.structs import Id
from collab_server.crdt.updates import EMPTY_UPDATE, UpdateSummary

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Place:
    """In a document: `behind` the item, or where it stands or stood."""

    item: Id
    behind: bool

    @property
    def relative_position(self) -> dict[str, object]:
        """As JSON of Yjs' RelativePosition, which the cursors of editors are made of."""
        client, clock = self.item
        item = {"client": client, "clock": clock}
        return {"type": None, "tname": None, "item": item, "assoc": -1 if self.behind else 0}


@dataclass(frozen=True, slots=True)
class Edit(Generic[T]):
    """`update`: what is to be appended to the document, EMPTY_UPDATE for nothing. `result`: what the caller wants to
    know besides. `place`: where it ends, to show others.
    """

    update: bytes
    result: T
    place: Place | None = None


Editing = Callable[Concatenate[Sequence[bytes], int, P], Edit[T]]
"""(all updates of a document, the Yjs client id to write as, ...) -> the edit. One of a module's top level, without a
memory: it is run again where it cannot be used. Refuses by raising a CollabError.
"""


@dataclass(frozen=True, slots=True)
class Checked(Generic[T]):
    """An edit as it comes out of the worker. `start`: the clock from which on it writes."""

    edit: Edit[T]
    summary: UpdateSummary
    start: int | None


def checked(
    function: Callable[..., Edit[T]], parts: Sequence[bytes], client: int, args: tuple[Any, ...], named: dict[str, Any]
) -> Checked[T]:
    """Run an editing function and validate what it made, so that whoever appends it need not."""
    edit = function(parts, client, *args, **named)
    if edit.update == EMPTY_UPDATE:
        return Checked(edit, UpdateSummary((), ()), None)
    summary = updates.validate(edit.update)
    start = min((first for author, first, _ in summary.structs if author == client), default=None)
    return Checked(edit, summary, start)
