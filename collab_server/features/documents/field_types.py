"""Types of the fields in JSON shapes of documents."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from collab_server.errors import Malformed
from collab_server.features.documents.addresses import check_name
from collab_server.features.documents.languages import find_configuration
from collab_server.web.fields import a_line, at_most, storable

MAX_TAGS = 50
MAX_ENCRYPTED = 262_144
Status = Literal["draft", "active", "published", "archived"]
Priority = Literal["low", "normal", "high"]


def _check_name(name: str) -> str:
    try:
        return check_name(name)
    except Malformed as error:
        raise ValueError(error.detail) from None


def _to_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("time out of range") from None


def _check_base64(text: str) -> str:
    try:
        if base64.b64decode(text, validate=True):
            return text
    except (binascii.Error, ValueError):
        pass
    raise ValueError("must be base64 of at least one byte")


Title = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(a_line), at_most(500)]
Name = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_check_name)]
Description = Annotated[str, Field(max_length=20_000), AfterValidator(storable)]
Language = Annotated[
    str,
    Field(
        max_length=63,
        description="A text search configuration of PostgreSQL, as `english`, or a tag, as `en-GB`, which is stored "
        "as the configuration for it (`simple` where there is none).",
    ),
    AfterValidator(find_configuration),
]
TagName = Annotated[str, Field(min_length=1, max_length=50), AfterValidator(a_line), at_most(50)]
TagNames = Annotated[list[TagName], Field(max_length=MAX_TAGS)]
Content = Annotated[str, Field(max_length=10_000_000), AfterValidator(storable)]
Moment = Annotated[AwareDatetime, AfterValidator(_to_utc)]
Encrypted = Annotated[str, Field(min_length=4, max_length=MAX_ENCRYPTED), AfterValidator(_check_base64)]
