"""JSON shapes of tags and categories."""

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from collab_server.features.documents.field_types import TagName, TagNames
from collab_server.web.fields import Color, Model, a_line, at_most, storable

_TAG: dict[str, Any] = {
    "id": "b9b9f3a4-7f6c-4ad5-9d0c-62d8f2a2c0f7",
    "name": "Plans",
    "slug": "plans",
    "color": "#3B82F6",
    "description": None,
    "document_count": 3,
}
_CATEGORY: dict[str, Any] = {
    "id": "77c2c6a7-8f4e-41f7-a1f8-6a1f0ad5f0a3",
    "parent_id": None,
    "name": "Projects",
    "slug": "projects",
    "color": None,
    "icon": "folder",
    "description": None,
    "position": 0,
    "document_count": 12,
}

About = Annotated[str, Field(max_length=1000), AfterValidator(storable)]
CategoryName = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(a_line), at_most(100)]
Icon = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(a_line), at_most(100)]
Place = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


class _Patch(Model):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("nothing to change")
        for field in self.model_fields_set & {"name", "position"}:
            if getattr(self, field) is None:
                raise ValueError(f"{field} cannot be null")
        return self


class TagOut(Model):
    """`slug`: for filters of lists. `document_count`: without the trash."""

    model_config = ConfigDict(json_schema_extra={"example": _TAG})

    id: UUID
    name: str
    slug: str
    color: str
    description: str | None
    document_count: int


class TagPage(Model):
    model_config = ConfigDict(json_schema_extra={"example": {"items": [_TAG], "next_cursor": None}})

    items: list[TagOut]
    next_cursor: str | None


class TagIn(Model):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"name": "Plans", "color": "#3B82F6", "description": None}}
    )

    name: TagName
    color: Color | None = None
    description: About | None = None


class TagPatch(_Patch):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"color": "#22C55E"}})

    name: TagName | None = None
    color: Color | None = None
    description: About | None = None

    @model_validator(mode="after")
    def _keeps_a_color(self) -> Self:
        if "color" in self.model_fields_set and self.color is None:
            raise ValueError("color cannot be null")
        return self


class TagsIn(Model):
    """Names. Those that differ only in case, marks and spaces are one tag; new ones are created."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"tags": ["Plans", "2026"]}})

    tags: TagNames


class CategoryOut(Model):
    """`document_count`: in this category itself, without those in the trash."""

    model_config = ConfigDict(json_schema_extra={"example": _CATEGORY})

    id: UUID
    parent_id: UUID | None
    name: str
    slug: str
    color: str | None
    icon: str | None
    description: str | None
    position: int
    document_count: int


class CategoryPage(Model):
    """All categories of a workspace, siblings in their order."""

    model_config = ConfigDict(json_schema_extra={"example": {"items": [_CATEGORY], "next_cursor": None}})

    items: list[CategoryOut]
    next_cursor: str | None


class CategoryIn(Model):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "Projects", "icon": "folder"}})

    name: CategoryName
    parent_id: UUID | None = None
    color: Color | None = None
    icon: Icon | None = None
    position: Place = 0
    description: About | None = None


class CategoryPatch(_Patch):
    """A null `parent_id` moves the category to the top level."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "Archive", "position": 3}})

    name: CategoryName | None = None
    parent_id: UUID | None = None
    color: Color | None = None
    icon: Icon | None = None
    position: Place | None = None
    description: About | None = None
