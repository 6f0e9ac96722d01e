"""The article of a public page, and what is stored of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

from collab_server.features.public_pages.headings import Entry

VERSION: Final = 2
"""Version of the output. Increase it with each change of the HTML, so that stored articles are dropped."""
DIAGRAMS: Final = "/p/:slug/diagrams/"
"""Prefix of the addresses of diagrams in an article; page.py puts in the slug."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An attachment of the document. `widths`: of its thumbnails, ascending."""

    width: int | None = None
    height: int | None = None
    widths: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Article:
    """`title`: HTML of the heading with the document's title, which is not part of `body`; None where the text begins
    otherwise. `image`: path of the first picture. `diagrams`: SVG by file name.
    """

    body: str
    contents: Sequence[Entry]
    title: str | None
    description: str
    image: str | None
    diagrams: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        fields: dict[str, Any] = json.loads(text)
        return cls(**{**fields, "contents": [Entry(**each) for each in fields["contents"]]})
