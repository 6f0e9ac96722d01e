"""How a client names the text that an anchor is to be put on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QuoteWish:
    """A quote of the content. prefix, suffix: the text before and behind it: they decide where it occurs repeatedly."""

    quote: str
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class OffsetWish:
    """UTF-16 units of the content, or positions of ProseMirror (is_nodes), in one of two states of the document.

    content_hash: the SHA-256 of that content as hexadecimal digits. state_vector: of that document; None: see
    content_hash. quote: the text that must be there, or None.
    """

    start: int
    end: int
    content_hash: str = ""
    state_vector: bytes | None = None
    is_nodes: bool = False
    quote: str | None = None


@dataclass(frozen=True, slots=True)
class RelativeWish:
    """Places as Yjs encodes them."""

    start: bytes
    end: bytes


Wish = QuoteWish | OffsetWish | RelativeWish


@dataclass(frozen=True, slots=True)
class KnownText:
    """A former content that the server remembers. state_vector: encoded, of the document with this text."""

    text: str
    state_vector: bytes
