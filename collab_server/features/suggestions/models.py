"""Shapes of suggestions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, StrictInt, StrictStr, model_validator

from collab_server.core.documents import edit_requests
from collab_server.core.documents.apply_edit import EditRequest, Put
from collab_server.features.content.models import ReplacementIn, SpliceIn, Text
from collab_server.web.fields import Model, storable


def _visible(text: str) -> str:
    if not storable(text).strip():
        raise ValueError("needs a visible character")
    return text


Message = Annotated[StrictStr, Field(max_length=10_000), AfterValidator(_visible)]
Edits = Annotated[
    list[ReplacementIn | SpliceIn],
    Field(min_length=1, max_length=1000, description="As for PATCH of the content: all refer to the same text"),
]
Unit = Annotated[
    Literal["code_point", "utf-16"],
    Field(description="What `at` and `delete` count: code points, or UTF-16 code units as JavaScript does"),
]
Numbers = Annotated[
    list[Annotated[StrictInt, Field(ge=0, lt=1000)]],
    Field(min_length=1, max_length=1000, description="Numbers of hunks; without it all that are undecided"),
]


class _Proposal(Model):
    model_config = ConfigDict(extra="forbid")

    edits: Edits | None = None
    content: Text | None = Field(default=None, description="Instead of `edits`: the whole new text")
    unit: Unit = "code_point"
    message: Message | None = Field(default=None, description="Why")

    @property
    def has_positions(self) -> bool:
        return any(isinstance(edit, SpliceIn) for edit in self.edits or ())

    def request(self) -> EditRequest | None:
        """Return the edit; None if there is none."""
        if self.content is not None:
            return Put(self.content)
        if self.edits is None:
            return None
        return edit_requests.Patch([edit.request() for edit in self.edits], self.unit)


class SuggestionIn(_Proposal):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"edits": [{"find": "draft", "replace": "final"}], "message": "It is finished."}]
        },
    )

    id: UUID | None = Field(default=None, description="Chosen by a client that may repeat the request")

    @model_validator(mode="after")
    def _one_form(self) -> "SuggestionIn":
        if (self.edits is None) == (self.content is None):
            raise ValueError("give either edits or content")
        return self


class SuggestionPatch(_Proposal):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"message": "It is finished."}]})

    @model_validator(mode="after")
    def _one_form(self) -> "SuggestionPatch":
        if self.edits is not None and self.content is not None:
            raise ValueError("give either edits or content")
        return self


class DecisionIn(Model):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"hunks": [0]}]})

    hunks: Numbers | None = None


class DecisionsIn(Model):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})

    ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)] | None = Field(
        default=None, description="Without it: all suggestions of the document that nobody has decided on"
    )


class SuggesterOut(Model):
    """`name`: null for a guest, and for people whom you may not see."""

    id: UUID | None
    kind: Literal["user", "api_client", "guest", "app_user"]
    name: str | None
    avatar_url: str | None


class HunkOut(Model):
    """`start`, `end`: where it is now, in UTF-16 units of the content; null if it does not fit, or is decided."""

    number: int
    status: Literal["open", "accepted", "rejected", "stale"]
    stale: bool = Field(description="It does not fit the present text, and is not accepted")
    start: int | None
    end: int | None
    deleted: str
    inserted: str
    relative_start: str | None = Field(description="Relative position of Yjs, encoded, as base64url")
    relative_end: str | None


_SUGGESTION: dict[str, JsonValue] = {
    "id": "5f3c1f1e-98a1-4c2c-9a1e-0c3f9e0f7d11",
    "document_id": "8f14e45f-ceea-4e2a-9c57-6f0f3a5b8d10",
    "author": {"id": "0d0e1f2a-5b6c-4d7e-8f90-a1b2c3d4e5f6", "kind": "user", "name": "Ann", "avatar_url": None},
    "message": "It is finished.",
    "status": "open",
    "hunks": [
        {
            "number": 0,
            "status": "open",
            "stale": False,
            "start": 5,
            "end": 10,
            "deleted": "draft",
            "inserted": "final",
            "relative_start": "AAEFAA",
            "relative_end": "AAEJQQ",
        }
    ],
    "decided_by": None,
    "decided_at": None,
    "seq": None,
    "generation": 0,
    "row_version": 1,
    "created_at": "2026-01-31T12:00:00Z",
    "updated_at": "2026-01-31T12:00:00Z",
}


class SuggestionOut(Model):
    model_config = ConfigDict(json_schema_extra={"examples": [_SUGGESTION]})

    id: UUID
    document_id: UUID
    author: SuggesterOut
    message: str | None
    status: Literal["open", "accepted", "rejected", "stale"] = Field(
        description="stale: an undecided hunk does not fit the present text. accepted: nothing is undecided, and at "
        "least one hunk is accepted."
    )
    hunks: list[HunkOut]
    decided_by: SuggesterOut | None
    decided_at: datetime | None
    seq: int | None = Field(description="Row of the log with the last accepted hunk")
    generation: int
    row_version: int
    created_at: datetime
    updated_at: datetime


class SuggestionPage(Model):
    items: list[SuggestionOut]
    next_cursor: str | None


class DecisionOut(Model):
    """`code`: null if it was done. stale: `stale_suggestion`, and nothing of it was changed."""

    id: UUID
    status: Literal["open", "accepted", "rejected", "stale"] | None
    seq: int | None
    code: str | None
    detail: str | None


class DecisionsOut(Model):
    results: list[DecisionOut]
