"""Shapes of edits of a document's content."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from collab_server.core.documents import edit_requests
from collab_server.web.fields import Model, storable

Text = Annotated[StrictStr, AfterValidator(storable)]
Some = Annotated[StrictStr, Field(min_length=1), AfterValidator(storable)]
Position = Annotated[StrictInt, Field(ge=0, le=2**31)]
Heading = Annotated[StrictStr, Field(min_length=1, max_length=1000), AfterValidator(storable)]
Between = Annotated[
    edit_requests.Between,
    Field(description="Separator to the text around it: an empty line, a line feed, or nothing"),
]


class _Body(Model):
    model_config = ConfigDict(extra="forbid")


class ReplacementIn(_Body):
    find: Some
    replace: Text
    all: StrictBool = Field(default=False, description="Replace every match; without it there must be exactly one")

    def request(self) -> edit_requests.Replacement:
        return edit_requests.Replacement(self.find, self.replace, self.all)


class SpliceIn(_Body):
    at: Position
    delete: Position = 0
    insert: Text = ""

    def request(self) -> edit_requests.Splice:
        return edit_requests.Splice(self.at, self.delete, self.insert)


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
        min_length=1,
        max_length=1000,
        description="All edits refer to the same text, not to results of others",
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
        description="Text of the heading without marks, or the texts of its parent headings and its own"
    )
    position: Literal["start", "end"] = Field("end", description="Position in the section of the heading")
    between: Between = "paragraph"


class WrittenOut(Model):
    """`content_hash`: of the whole content now; also the ETag, unless others' edits were merged into a PUT."""

    seq: int = Field(examples=[42], description="Number of the document's log that includes the edit")
    generation: int = Field(examples=[1])
    content_hash: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    changed: bool = Field(examples=[True], description="False: the document had this text already")
    merged: bool = Field(examples=[False], description="The text differs from the body: edits of others were merged")
    content: str | None = Field(
        None, examples=[None], description="The whole text if `merged`, or with Prefer: return=representation"
    )
