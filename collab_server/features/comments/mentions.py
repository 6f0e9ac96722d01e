"""Mentions in the text of a comment: how they are written, and whom they name. Pure.

`@[Name](user:UUID)` is what a composer writes; people write `@username` or `@address`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

LINK: Final = re.compile(
    r"@\[((?:[^\[\]\\\n]|\\.){1,255})\]\(user:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\)",
    re.IGNORECASE,
)
ADDRESS: Final = re.compile(r"@([\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})")
NAME: Final = re.compile(r"@([\w.-]{2,100})")
_ESCAPED: Final = re.compile(r"\\(.)")
_BEFORE: Final = re.compile(r"[\w./@+=&-]")
"""What makes an `@` part of an address or a link."""
MAX_MENTIONS: Final = 100
MAX_UNREACHABLE: Final = 20


@dataclass(frozen=True, slots=True)
class Reader:
    """A person who may read the document. `address`: None if the author of the comment may not name it by that."""

    id: UUID
    name: str
    username: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a text may name: ids, and usernames and addresses in lower case."""

    ids: frozenset[UUID]
    names: frozenset[str]
    addresses: frozenset[str]

    @property
    def is_empty(self) -> bool:
        return not (self.ids or self.names or self.addresses)


@dataclass(frozen=True, slots=True)
class Mention:
    """One mention in a text. `end`: index after it. `written`: as people read it. `reader`: None: unreachable."""

    end: int
    written: str
    reader: Reader | None


class Readers:
    """Readers of a document, by all that a text may call them."""

    def __init__(self, readers: Iterable[Reader]) -> None:
        self._by_id: dict[UUID, Reader] = {}
        self._by_name: dict[str, Reader] = {}
        for reader in readers:
            self._by_id[reader.id] = reader
            for called in (reader.username, reader.address):
                if called is not None:
                    self._by_name[called.lower()] = reader

    def find(self, user_id: UUID) -> Reader | None:
        return self._by_id.get(user_id)

    def find_mention(self, text: str, at: int) -> Mention | None:
        """Find the mention that begins at the `@` at this index; None if there is none."""
        if at and _BEFORE.match(text[at - 1]):
            return None
        if link := LINK.match(text, at):
            reader = self._by_id.get(UUID(link[2]))
            return Mention(link.end(), "@" + _ESCAPED.sub(r"\1", link[1]), reader)
        if address := ADDRESS.match(text, at):
            return Mention(address.end(), address[0], self._by_name.get(address[1].lower()))
        name = NAME.match(text, at)
        if name is None:
            return None
        for called in _forms(name[1]):
            if reader := self._by_name.get(called.lower()):
                return Mention(at + 1 + len(called), f"@{called}", reader)
        called = _forms(name[1])[-1]
        return Mention(at + 1 + len(called), f"@{called}", None) if len(called) > 1 else None


def find_wanted(text: str, ids: Iterable[UUID]) -> Wanted:
    """Find all that may be mentioned, also in code, where nobody is. `ids`: named beside the text."""
    return Wanted(
        frozenset(ids) | {UUID(link[2]) for link in LINK.finditer(text)},
        frozenset(form.lower() for name in NAME.finditer(text) for form in _forms(name[1])),
        frozenset(address[1].lower() for address in ADDRESS.finditer(text)),
    )


def _forms(written: str) -> tuple[str, ...]:
    """The name as it was written, and without a full stop or a dash that ends a sentence."""
    short = written.rstrip(".-")
    return (written,) if short == written or not short else (written, short)
