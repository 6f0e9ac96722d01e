"""What routes may ask of the real-time core, which lies in a higher ring."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, Protocol
from uuid import UUID

from collab_server.access.authors import author_of
from collab_server.access.identity import Identity
from collab_server.core.room.entries import Author
from collab_server.core.yjs.edit_functions import EditFunction, P, T

NOT_IN_THE_CLEAR: Final = "this document is encrypted: it has no content in the clear"
"""The detail of UnprocessableContent for requests that need the content."""


@dataclass(frozen=True, slots=True)
class Committed:
    """The log of a document, of this generation, holds an update in one of its rows up to `seq`."""

    generation: int
    seq: int


class Append(Protocol):
    """Puts a Yjs update into a document as a socket would: everybody who has it open sees it at once."""

    async def __call__(
        self, document_id: UUID, update: bytes, author: Author, *, generation: int | None = None
    ) -> Committed:
        """Returns when it is committed; the same update twice is harmless. Rights are the caller's to look at.

        `generation`: of the document that the update was made for (None: whichever is there). An update of a former
        generation is carried over to the present one. Raises Malformed, NotFound, UnprocessableContent (it is
        encrypted), StaleGeneration (the former generation is not kept), TooLarge, Unavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class Edited(Generic[T]):
    """`result`: what the editing function told besides its update."""

    committed: Committed
    result: T


@dataclass(frozen=True, slots=True)
class RestAuthor:
    """Who edits by a request. `device`: as it names itself, for the log.

    `suggester`: whom the history credits with what the edit inserts; None: who edits. `accepts`: the suggestion of
    theirs that the edit accepts.
    """

    identity: Identity
    device: str | None
    suggester: Author | None = None
    accepts: UUID | None = None

    @property
    def author(self) -> Author:
        return author_of(self.identity, self.device)


class Edits(Protocol):
    """Edits that need the document as a whole. Rights are the caller's to look at. People who have it open see who
    edits, and where.
    """

    async def edit(
        self, document_id: UUID, writer: RestAuthor, function: EditFunction[P, T], *args: P.args, **named: P.kwargs
    ) -> Edited[T]:
        """Have a worker run the function on the document as it is now, and append the update that it makes: whoever is
        in the document sees it at once, and people who type meanwhile lose nothing. Returns when it is committed.

        Raises NotFound, StaleGeneration, TooLarge, TooMany, Unavailable, UnprocessableContent (it is encrypted), and
        what the function raises.
        """
        ...

    async def edit_alone(
        self, document_id: UUID, writer: RestAuthor, function: EditFunction[P, T], *args: P.args, **named: P.kwargs
    ) -> Edited[T]:
        """Like `edit`; the function runs again after another edit in between."""
        ...

    async def missing(self, document_id: UUID, state_vector: bytes) -> tuple[bytes, Committed]:
        """What a client with this state lacks, as one update: all that is committed, and what is received here.

        Raises Malformed, NotFound, StaleGeneration, Unavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class Rooms:
    """What routes may ask of the real-time core, which lies above them.

    `settle`: have a document's stored content include everything received by now. `end_generation`: end the connections
    to a document that has been replaced; those to other processes end a moment later.
    """

    settle: Callable[[UUID], Awaitable[None]]
    end_generation: Callable[[UUID], None]
    append: Append
    edits: Edits
