"""Shapes of edits of a document's content."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from collab_server.crdt import content_requests
from collab_server.web.fields import storable

Text = Annotated[StrictStr, AfterValidator(storable)]
Some = Annotated[StrictStr, Field(min_length=1), AfterValidator(storable)]
Position = Annotated[StrictInt, Field(ge=0, le=2**31)]
Heading = Annotated[StrictStr, Field(min_length=1, max_length=1000), AfterValidator(storable)]
Between = Annotated[
    content_requests.Between,
    Field(description="What keeps it apart from the text around it: an empty line, a line feed, or nothing"),
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReplacementIn(_Body):
    find: Some
    replace: Text
    all: StrictBool = Field(default=False, description="Every place; without it there must be exactly one")

    def request(self) -> content_requests.Replacement:
        return content_requests.Replacement(self.find, self.replace, self.all)


class SpliceIn(_Body):
    at: Position
    delete: Position = 0
    insert: Text = ""

    def request(self) -> content_requests.Splice:
        return content_requests.Splice(self.at, self.delete, self.insert)


class ContentPatch(_Body):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"edits": [{"find": "draft", "replace": "final"}, {"at": 0, "delete": 0, "insert": "# Plan\n"}]}
            ]
        },
    )

    edits: list[ReplacementIn | SpliceIn] = Field(
        min_length=1, max_length=1000, description="All of them of the same text, none of what another leaves"
    )
    unit: Literal["code_point", "utf-16"] = Field(
        "code_point", description="What `at` and `delete` count: code points, or UTF-16 code units as JavaScript does"
    )


class AppendIn(_Body):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"content": "- Buy milk", "between": "line"}]}
    )

    content: Some
    between: Between = "paragraph"


class InsertIn(_Body):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"content": "- Buy milk", "heading": ["Plan", "Today"], "between": "line"}]},
    )

    content: Some
    heading: Heading | Annotated[list[Heading], Field(min_length=1, max_length=6)] = Field(
        description="Its text without marks, or the texts of the headings above it and its own"
    )
    position: Literal["start", "end"] = Field("end", description="Of what stands under the heading")
    between: Between = "paragraph"


class WrittenOut(BaseModel):
    """`content_hash`: of the whole content now; also the ETag, unless others' edits were merged into a PUT."""

    seq: int = Field(examples=[42], description="The document's log is committed up to this number, the edit included")
    generation: int = Field(examples=[1])
    content_hash: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    changed: bool = Field(examples=[True], description="False: the document said so already")
    merged: bool = Field(examples=[False], description="It now says something else than the body: others edited it")
    content: str | None = Field(
        None, examples=[None], description="All of it where `merged`, and with Prefer: return=representation"
    )
