"""JSON shapes of comments."""

import unicodedata
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from collab_server.features.comments.anchor_models import AnchorIn
from collab_server.features.comments.mentions import MAX_MENTIONS
from collab_server.features.users.models import input_config, output_config
from collab_server.web.fields import Model, storable

MAX_CONTENT_BYTES = 65_536
AuthorKind = Literal["user", "api_client", "guest", "app_user"]

_ANN = "0a6b2c8e-3d39-4c55-8a54-6a4e0f6d0c11"
_BEN = "5d7d2f60-0c54-4c1b-a2f4-54b8e5a3f0a2"
_ANCHOR: dict[str, Any] = {
    "quote": "the price",
    "start": 120,
    "end": 129,
    "orphaned": False,
    "relative_start": "AAEFAA",
    "relative_end": "AAEOAA",
}
_REACTION: dict[str, Any] = {"emoji": "👍", "count": 2, "mine": True, "people": ["Ann", "Ben"]}
_COMMENT: dict[str, Any] = {
    "id": "9f2f6c0e-7d3b-4a5e-8a3f-2f6f0d0c7b11",
    "document_id": "5f0c3c36-6c0e-4b58-9a55-0f3b5f7f6d11",
    "thread_id": "9f2f6c0e-7d3b-4a5e-8a3f-2f6f0d0c7b11",
    "parent_id": None,
    "depth": 0,
    "content": f"Too high, @[Ben](user:{_BEN})? @carol may know.",
    "content_html": f'<p>Too high, <span class="mention" data-user="{_BEN}">@Ben</span>? @carol may know.</p>\n',
    "author": {"id": _ANN, "kind": "user", "name": "Ann", "avatar_url": None},
    "mentions": [{"id": _BEN, "name": "Ben"}],
    "unreachable": ["@carol"],
    "reactions": [_REACTION],
    "resolved": False,
    "resolved_by": None,
    "resolved_at": None,
    "edited": False,
    "deleted": False,
    "created_at": "2026-01-05T09:10:00Z",
    "updated_at": "2026-01-05T09:10:00Z",
    "row_version": 1,
    "anchor": _ANCHOR,
}


def _text(content: str) -> str:
    if len(storable(content).encode()) > MAX_CONTENT_BYTES:
        raise ValueError(f"at most {MAX_CONTENT_BYTES} bytes of UTF-8")
    if all(unicodedata.category(character)[0] in "CZ" for character in content):
        raise ValueError("needs a visible character")
    return content


Content = Annotated[str, Field(min_length=1, max_length=MAX_CONTENT_BYTES), AfterValidator(_text)]
MentionIds = Annotated[list[UUID], Field(max_length=MAX_MENTIONS)]


class AuthorOut(Model):
    """The author of a comment. `id`: of a user, also of the user whose API token wrote. `name`: null for users whom you
    may not see, and of deleted comments; `Deleted user` for deleted accounts.
    """

    model_config = output_config(**_COMMENT["author"])

    id: UUID | None
    kind: AuthorKind
    name: str | None
    avatar_url: str | None


class MentionOut(Model):
    """A person. `name`: null for users whom you may not see."""

    model_config = output_config(id=_BEN, name="Ben")

    id: UUID
    name: str | None


class ReactionOut(Model):
    """All reactions with one emoji. `mine`: you are among them. `people`: names of the first ten."""

    model_config = output_config(**_REACTION)

    emoji: str
    count: int
    mine: bool
    people: list[str]


class AnchorOut(Model):
    """The words that a thread is about. `start`, `end`: UTF-16 units of the content; null if the words are gone
    (`orphaned`). `relative_start`, `relative_end`: relative positions of Yjs, base64url; null too where the document
    cannot be read.
    """

    model_config = output_config(**_ANCHOR)

    quote: str
    start: int | None
    end: int | None
    orphaned: bool
    relative_start: str | None
    relative_end: str | None


class CommentOut(Model):
    """A comment. `thread_id`: the id of the first comment of its thread, the only one with an `anchor`. `depth`: of
    replies to replies, at most 20. `content`: Markdown; `content_html` is safe to show. `unreachable`: mentions of
    nobody who reads the document, as written. `deleted`: only its place is left, because replies to it are.
    `row_version`: the number in its ETag; reactions do not change it.
    """

    model_config = output_config(**_COMMENT)

    id: UUID
    document_id: UUID
    thread_id: UUID
    parent_id: UUID | None
    depth: int
    content: str
    content_html: str
    author: AuthorOut
    mentions: list[MentionOut]
    unreachable: list[str]
    reactions: list[ReactionOut]
    resolved: bool
    resolved_by: MentionOut | None
    resolved_at: datetime | None
    edited: bool
    deleted: bool
    created_at: datetime
    updated_at: datetime
    row_version: int
    anchor: AnchorOut | None


class CommentPage(Model):
    model_config = output_config(items=[_COMMENT], next_cursor=None)

    items: list[CommentOut]
    next_cursor: str | None


class CommentIn(Model):
    """`parent_id`: the comment to reply to. `anchor`: the words that a new thread is about. `mentions`: ids of
    people to mention besides those in the text. `id`: chosen by a client that may send the comment twice.
    """

    model_config = input_config(content="Too high, @ben?", anchor={"quote": "the price"})

    content: Content
    parent_id: UUID | None = None
    anchor: AnchorIn | None = None
    mentions: MentionIds = Field(default_factory=list)
    id: UUID | None = None

    @model_validator(mode="after")
    def _anchors_a_thread(self) -> Self:
        if self.anchor is not None and self.parent_id is not None:
            raise ValueError("only the first comment of a thread has an anchor")
        return self


class CommentPatch(Model):
    """Given fields are changed. `anchor`: moves the thread to other words; null takes its anchor away. `mentions`: ids
    of people to mention besides those in the text; without it, a changed text mentions only those in it.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"content": "Much too high."}})

    content: Content | None = None
    anchor: AnchorIn | None = None
    mentions: MentionIds | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("nothing to change")
        for field in self.model_fields_set - {"anchor"}:
            if getattr(self, field) is None:
                raise ValueError(f"{field} cannot be null")
        return self


class EditOut(Model):
    """An earlier text of a comment. `replaced_at`: when the next text took its place."""

    model_config = output_config(content="Too hihg?", replaced_at="2026-01-05T09:12:00Z")

    content: str
    replaced_at: datetime


class EditPage(Model):
    model_config = output_config(
        items=[{"content": "Too hihg?", "replaced_at": "2026-01-05T09:12:00Z"}], next_cursor=None
    )

    items: list[EditOut]
    next_cursor: str | None


class MentionableOut(Model):
    """A person who may read the document."""

    model_config = output_config(id=_BEN, name="Ben", username="ben", avatar_url=None)

    id: UUID
    name: str
    username: str | None
    avatar_url: str | None


class MentionablePage(Model):
    """The first people by name. There is no next page: a longer `q` finds fewer."""

    model_config = output_config(
        items=[{"id": _BEN, "name": "Ben", "username": "ben", "avatar_url": None}], next_cursor=None
    )

    items: list[MentionableOut]
    next_cursor: None = None
