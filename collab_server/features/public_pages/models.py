"""Shapes of the routes of public pages."""

import re
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from collab_server.web.fields import Model, a_line

MAX_SLUG: Final = 100
_SLUG: Final = re.compile(r"[^\W_]+(?:-[^\W_]+)*")


def _slug(text: str) -> str:
    """A slug as the server makes them of titles."""
    text = a_line(text).lower()
    if not _SLUG.fullmatch(text):
        raise ValueError("letters and digits, with single hyphens between them")
    if len(text) > MAX_SLUG:
        raise ValueError(f"at most {MAX_SLUG} characters")
    return text


Slug = Annotated[str, Field(max_length=MAX_SLUG), AfterValidator(_slug)]


class PublicPageIn(Model):
    """Fields that are absent or null stay as they are."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"slug": "our-plan", "indexable": True, "live": False}}
    )

    slug: Annotated[
        Slug | None, Field(description="The last part of the address. The former address redirects to the new one.")
    ] = None
    indexable: Annotated[
        bool | None, Field(description="Search engines, the sitemap and the feed of the workspace may have the page.")
    ] = None
    live: Annotated[bool | None, Field(description="The page follows edits while somebody reads it.")] = None


class PublicPageOut(Model):
    """The page of a document."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "document_id": "5f3c1f1e-98a1-4c2c-9a1e-0c3f9e0f7d11",
                "is_public": True,
                "slug": "our-plan",
                "url": "https://docs.example/p/our-plan",
                "indexable": True,
                "live": False,
                "published_at": "2026-01-31T12:00:00.000Z",
                "row_version": 2,
            }
        }
    )

    document_id: UUID
    is_public: Annotated[bool, Field(description="Whether everybody may read the page; change it at the document.")]
    slug: Annotated[str | None, Field(description="None until the document was public or its page was set up.")]
    url: str | None
    indexable: bool
    live: bool
    published_at: Annotated[datetime | None, Field(description="When it became public; None while it is not.")]
    row_version: int
