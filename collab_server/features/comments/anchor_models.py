"""How a client names the text that a comment is about."""

from typing import Annotated, Any, Final, Self

from pydantic import ConfigDict, Field, StrictInt, StrictStr, model_validator

from collab_server.core.anchors.relative_position import decode_relative_position
from collab_server.core.anchors.wishes import OffsetWish, QuoteWish, RelativeWish, Wish
from collab_server.core.yjs.updates import decode_state_vector
from collab_server.errors import Malformed
from collab_server.security import base64url
from collab_server.web.fields import Model

MAX_QUOTE: Final = 50_000
MAX_CONTEXT: Final = 1_000
MAX_STATE_VECTOR: Final = 1 << 20

_FORMS: Final = (
    "an anchor is {quote, prefix?, suffix?}, {start, end, content_hash or state_vector}, "
    "{from, to, content_hash or state_vector} or {relative_start, relative_end}"
)
_PAIRS: Final = (("start", "end"), ("from", "to"), ("relative_start", "relative_end"))

_Offset = Annotated[StrictInt, Field(ge=0, le=2**31)]
_Context = Annotated[StrictStr, Field(max_length=MAX_CONTEXT)]
_Encoded = Annotated[
    StrictStr, Field(min_length=1, max_length=1000, description="`Y.encodeRelativePosition`, base64url")
]


class AnchorIn(Model):
    """The text, in one of four forms. Offsets are UTF-16 units of the content as GET returns it; positions of
    ProseMirror are those of y-prosemirror.
    """

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={"examples": [{"quote": "the third quarter", "prefix": "revenue of ", "suffix": " was"}]},
    )

    quote: Annotated[
        StrictStr | None,
        Field(
            min_length=1,
            max_length=MAX_QUOTE,
            description="Text of the document. With positions: the text that must be there",
        ),
    ] = None
    prefix: _Context | None = Field(default=None, description="Text before the quote, which decides between several")
    suffix: _Context | None = Field(default=None, description="Text behind the quote, which decides between several")
    start: _Offset | None = None
    end: _Offset | None = None
    from_: _Offset | None = Field(default=None, alias="from")
    to: _Offset | None = None
    content_hash: StrictStr | None = Field(
        default=None, pattern="^[0-9a-f]{64}$", description="Of the content that the positions count: its ETag"
    )
    state_vector: StrictStr | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_STATE_VECTOR,
        description="Of the document that the positions count, base64url",
    )
    relative_start: _Encoded | None = None
    relative_end: _Encoded | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.wish()
        return self

    def wish(self) -> Wish:
        """The wish. Raises ValueError for forms that are mixed or not complete."""
        given = {key: value for key, value in self.model_dump(by_alias=True).items() if value is not None}
        pairs = [pair for pair in _PAIRS if pair[0] in given or pair[1] in given]
        if len(pairs) > 1:
            raise ValueError(f"`{pairs[0][0]}` and `{pairs[1][0]}` are of different forms: {_FORMS}")
        if not pairs:
            return self._quote(given)
        first, second = pairs[0]
        for name, other in ((first, second), (second, first)):
            if name not in given:
                raise ValueError(f"`{name}` is missing beside `{other}`")
        _refuse(given, ("prefix", "suffix"), first)
        if first == "relative_start":
            _refuse(given, ("quote", "content_hash", "state_vector"), first)
            return RelativeWish(_relative(given, first), _relative(given, second))
        if ("content_hash" in given) == ("state_vector" in given):
            raise ValueError(f"beside `{first}` stands one of `content_hash` and `state_vector`")
        if given[first] >= given[second]:
            raise ValueError(f"`{first}` must be less than `{second}`")
        vector = _bytes(given, "state_vector") if "state_vector" in given else None
        if vector is not None:
            try:
                decode_state_vector(vector)
            except Malformed as error:
                raise ValueError(f"`state_vector` is no state vector: {error.detail}") from None
        return OffsetWish(
            given[first], given[second], given.get("content_hash", ""), vector, first == "from", given.get("quote")
        )

    def _quote(self, given: dict[str, Any]) -> Wish:
        if "quote" not in given:
            raise ValueError(_FORMS)
        _refuse(given, ("content_hash", "state_vector"), "quote")
        if not given["quote"].strip():
            raise ValueError("`quote` has no visible character")
        return QuoteWish(given["quote"], given.get("prefix", ""), given.get("suffix", ""))


def _refuse(given: dict[str, Any], names: tuple[str, ...], form: str) -> None:
    for name in names:
        if name in given:
            raise ValueError(f"`{name}` does not stand beside `{form}`: {_FORMS}")


def _bytes(given: dict[str, Any], name: str) -> bytes:
    try:
        return base64url.decode(given[name])
    except ValueError:
        raise ValueError(f"`{name}` is not base64url") from None


def _relative(given: dict[str, Any], name: str) -> bytes:
    encoded = _bytes(given, name)
    try:
        decode_relative_position(encoded)
    except Malformed as error:
        raise ValueError(f"`{name}` is no relative position: {error.detail}") from None
    return encoded
