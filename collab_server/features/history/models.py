"""JSON shapes of the history."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StrictBool

from collab_server.features.users.models import input_config, output_config
from collab_server.web.fields import Model, a_line, at_most, storable

Label = Annotated[str, Field(max_length=200), AfterValidator(a_line), at_most(200)]
Description = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(storable)]
AuthorKind = Literal["user", "guest", "api_client", "app_user", "unknown"]

_AUTHOR: dict[str, Any] = {
    "id": "0a6b2c8e-3d39-4c55-8a54-6a4e0f6d0c11",
    "kind": "user",
    "name": "Ann",
    "avatar_url": "/api/v1/pictures/6b1f2f5e-0c1d-4f6e-9a44-0d5a3a1b7c22/9f86d081884c7d65",
    "device": None,
    "relayed": False,
}
_SUMMARY = {"added": 2, "removed": 1, "modified": 3}
_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_VERSION: dict[str, Any] = {
    "number": 3,
    "kind": "manual",
    "label": "Sent to the customer",
    "pinned": False,
    "title": "Plan",
    "content_hash": _HASH,
    "content_truncated": False,
    "size_bytes": 1204,
    "generation": 1,
    "seq": 4711,
    "authors": [_AUTHOR],
    "changes_summary": _SUMMARY,
    "change_description": None,
    "created_by": "0a6b2c8e-3d39-4c55-8a54-6a4e0f6d0c11",
    "created_at": "2026-01-05T09:10:00Z",
    "metadata": {"title": "Plan", "tags": ["house"]},
}


class AuthorOut(Model):
    """The author of edits. `id`: of a user, also of the user whose API token wrote. `name`: null for users whom you may
    not see, and for deleted accounts. `avatar_url`: of users with a picture. `relayed`: the author is not known, and
    this is who delivered the edits.
    """

    model_config = output_config(**_AUTHOR)

    id: UUID | None
    kind: AuthorKind
    name: str | None
    avatar_url: str | None
    device: str | None
    relayed: bool


class ChangesSummary(Model):
    """Lines that differ from the version before. `modified`: lines that replace others."""

    model_config = output_config(**_SUMMARY)

    added: int
    removed: int
    modified: int


class VersionOut(Model):
    """A version. `seq`: the row of the log that it was made after. `authors`: of the edits since the version before.
    `metadata`: title, name, description, type, status, priority, language, metadata, category and tags of that moment.
    """

    model_config = output_config(**_VERSION)

    number: int
    kind: Literal["auto", "manual", "restore", "import", "before-deletion", "conversion"]
    label: str | None
    pinned: bool
    title: str
    content_hash: str
    content_truncated: bool
    size_bytes: int
    generation: int
    seq: int
    authors: list[AuthorOut]
    changes_summary: ChangesSummary
    change_description: str | None
    created_by: UUID | None
    created_at: datetime
    metadata: dict[str, Any]


class VersionPage(Model):
    model_config = output_config(items=[_VERSION], next_cursor=None)

    items: list[VersionOut]
    next_cursor: str | None


class VersionIn(Model):
    model_config = input_config(label="Sent to the customer")

    label: Label | None = None
    change_description: Description | None = None


class VersionPatch(Model):
    model_config = input_config(label="Sent to the customer", pinned=True)

    label: Label | None = None
    change_description: Description | None = None
    pinned: StrictBool = False


class RestoredOut(Model):
    """`seq`: the document's last row after the commit. `changed`: the document was different. `version`: the version
    with the content before.
    """

    model_config = output_config(seq=4713, changed=True, version=4)

    seq: int
    changed: bool
    version: int


class RollbackIn(Model):
    """`user`: whose edits to undo, also those by their API tokens. `from` and `to`: of these times; without a zone in
    UTC.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"user": "0a6b2c8e-3d39-4c55-8a54-6a4e0f6d0c11", "from": "2026-01-05T09:00:00Z"}},
    )

    user: UUID
    from_time: datetime | None = Field(default=None, alias="from")
    to_time: datetime | None = Field(default=None, alias="to")


class RolledBackOut(Model):
    """`removed`, `restored`: UTF-16 code units of text. `version`: the version with the content before."""

    model_config = output_config(seq=4715, removed=120, restored=14, version=5)

    seq: int
    removed: int
    restored: int
    version: int


class CompactedOut(Model):
    """`bytes_before`, `bytes_after`: of the document as clients load it."""

    model_config = output_config(generation=1, seq=4800, bytes_before=250_000, bytes_after=31_000)

    generation: int
    seq: int
    bytes_before: int
    bytes_after: int


class BlameRun(Model):
    """Text of one author. `time`, `seq`: of the newest row in it; null where no row is known."""

    model_config = output_config(text="Hello", author=_AUTHOR, time="2026-01-05T09:10:00Z", seq=4711)

    text: str
    author: AuthorOut
    time: datetime | None
    seq: int | None


class BlameOut(Model):
    """The texts of the runs joined are the content."""

    model_config = output_config(
        seq=4711,
        content_hash=_HASH,
        truncated=False,
        runs=[{"text": "Hello", "author": _AUTHOR, "time": "2026-01-05T09:10:00Z", "seq": 4711}],
    )

    seq: int
    content_hash: str
    truncated: bool
    runs: list[BlameRun]


class SessionOut(Model):
    """Edits of one author without a pause of five minutes. `inserted`, `deleted`: UTF-16 code units of text, and one
    for each other thing.
    """

    model_config = output_config(
        author=_AUTHOR,
        first_at="2026-01-05T09:00:00Z",
        last_at="2026-01-05T09:10:00Z",
        from_seq=4690,
        to_seq=4711,
        inserted=310,
        deleted=12,
    )

    author: AuthorOut
    first_at: datetime
    last_at: datetime
    from_seq: int
    to_seq: int
    inserted: int
    deleted: int


class SessionPage(Model):
    model_config = output_config(items=[], next_cursor=None)

    items: list[SessionOut]
    next_cursor: str | None


class DiffPiece(Model):
    """A part of both texts, of the new one (insert) or of the old one (delete). `author`: of inserted text, where it is
    known.
    """

    model_config = output_config(operation="insert", text="Hello", author=_AUTHOR)

    operation: Literal["equal", "insert", "delete"]
    text: str
    author: AuthorOut | None


class DiffOut(Model):
    """The pieces but the inserted ones joined are the old content, but the deleted ones the new content."""

    model_config = output_config(
        from_seq=4700,
        to_seq=4711,
        summary=_SUMMARY,
        pieces=[{"operation": "insert", "text": "Hello", "author": _AUTHOR}],
    )

    from_seq: int
    to_seq: int
    summary: ChangesSummary
    pieces: list[DiffPiece]
