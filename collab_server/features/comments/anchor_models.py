"""Replaced by the branch anchors."""

from pydantic import BaseModel, ConfigDict


class AnchorIn(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"quote": "the price"}})

    quote: str | None = None
    prefix: str | None = None
    suffix: str | None = None
    start: int | None = None
    end: int | None = None
    content_hash: str | None = None
    relative_start: str | None = None
    relative_end: str | None = None
