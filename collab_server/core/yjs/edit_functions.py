"""Edit functions: they turn a document's bytes into one update, in a worker process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from collab_server.core.yjs import updates
from collab_server.core.yjs.inspection import UpdateSummary
from collab_server.core.yjs.structs import Id
from collab_server.core.yjs.updates import EMPTY_UPDATE

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a document: after the item (`behind`), or at the item, even if it is deleted."""

    item: Id
    behind: bool

    @property
    def relative_position(self) -> dict[str, object]:
        """The place as JSON of Yjs' RelativePosition, the form of editors' cursors."""
        client, clock = self.item
        item = {"client": client, "clock": clock}
        return {"type": None, "tname": None, "item": item, "assoc": -1 if self.behind else 0}


@dataclass(frozen=True, slots=True)
class Edit(Generic[T]):
    """The result of an edit function.

    `update`: the update to append to the document, or EMPTY_UPDATE. `result`: a result for the caller. `place`: the end
    of the edit, for display to other users.
    """

    update: bytes
    result: T
    place: Place | None = None


EditFunction = Callable[Concatenate[Sequence[bytes], int, P], Edit[T]]
"""(all updates of a document, the Yjs client id of the writer, ...) -> the edit.

A stateless function at the top level of a module: it is run again if its update cannot be used. Raises a CollabError to
refuse.
"""


@dataclass(frozen=True, slots=True)
class CheckedEdit(Generic[T]):
    """A validated edit. `start`: the first clock of its new items, or None."""

    edit: Edit[T]
    summary: UpdateSummary
    start: int | None


def run_edit_function(
    function: Callable[..., Edit[T]], parts: Sequence[bytes], client: int, args: tuple[Any, ...], named: dict[str, Any]
) -> CheckedEdit[T]:
    """Run an edit function and validate its update. The caller may append the update without another validation."""
    edit = function(parts, client, *args, **named)
    if edit.update == EMPTY_UPDATE:
        return CheckedEdit(edit, UpdateSummary((), ()), None)
    summary = updates.validate(edit.update)
    start = min((first for author, first, _ in summary.structs if author == client), default=None)
    return CheckedEdit(edit, summary, start)
