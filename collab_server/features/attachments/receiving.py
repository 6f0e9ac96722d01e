"""Bodies of uploads: the file itself, or a form with the field `file`."""

from collections.abc import Callable
from dataclasses import dataclass, field

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from collab_server.errors import Malformed, UnprocessableContent
from collab_server.features.attachments.sources import SpooledSource, drain
from collab_server.security import base64url

MAX_HEADER_BYTES = 8_192
FORM = "multipart/form-data"


@dataclass(slots=True)
class Received:
    """What a request says of its file. `name`: None where it says none. `content_type`: as it claims."""

    name: str | None
    content_type: str | None


async def receive(request: Request, name: str | None, source: SpooledSource) -> Received:
    """Read the file of a request into `source`. `name`: of the query; it goes before the one in a form.

    Raises Malformed, UnprocessableContent, and as SpooledSource.add.
    """
    content_type, options = parse_options_header(request.headers.get("content-type"))
    if content_type.decode("latin-1") != FORM:
        await drain(request.stream(), source.add)
        await source.flush()
        return Received(name, request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if not boundary:
        raise Malformed("the form has no boundary")
    form = _Form(boundary)
    await drain(request.stream(), lambda piece: form.feed(piece, source))
    await source.flush()
    return form.finish(name)


@dataclass(slots=True)
class _Form:
    """Takes the field `file` out of a form. Other fields are read and dropped."""

    boundary: bytes
    _parser: MultipartParser = field(init=False)
    _header: bytearray = field(default_factory=bytearray)
    _headers: dict[bytes, bytes] = field(default_factory=dict)
    _value: bytearray = field(default_factory=bytearray)
    _in_file: bool = False
    _files: int = 0
    _ended: bool = False
    _pieces: list[bytes] = field(default_factory=list)
    _found: Received = field(default_factory=lambda: Received(None, None))

    def __post_init__(self) -> None:
        callbacks: dict[str, Callable[..., None]] = {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._grow(self._header, data[start:end]),
            "on_header_value": lambda data, start, end: self._grow(self._value, data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._take,
            "on_end": self._end,
        }
        self._parser = MultipartParser(self.boundary, callbacks)  # type: ignore[arg-type]

    async def feed(self, piece: bytes, source: SpooledSource) -> None:
        try:
            self._parser.write(piece)
        except MultipartParseError as error:
            raise Malformed(f"the form cannot be read: {error}") from None
        for part in self._pieces:
            await source.add(part)
        self._pieces.clear()

    def finish(self, name: str | None) -> Received:
        if not self._ended:
            raise Malformed("the form is incomplete")
        if not self._files:
            raise UnprocessableContent("the form has no field `file` with a file name")
        return Received(name or self._found.name, self._found.content_type)

    def _begin(self) -> None:
        self._headers, self._in_file = {}, False

    def _grow(self, text: bytearray, piece: bytes) -> None:
        text += piece
        if len(text) > MAX_HEADER_BYTES:
            raise Malformed(f"a header in the form has more than {MAX_HEADER_BYTES} bytes")

    def _end_header(self) -> None:
        self._headers[bytes(self._header).lower()] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if options.get(b"name") != b"file" or b"filename" not in options:
            return
        self._files += 1
        if self._files > 1:
            raise UnprocessableContent("send one file in each request")
        self._in_file = True
        kind = self._headers.get(b"content-type")
        self._found = Received(
            options[b"filename"].decode("utf-8", "replace"), kind.decode("latin-1") if kind is not None else None
        )

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._pieces.append(data[start:end])

    def _end(self) -> None:
        self._ended = True


def read_digest(request: Request) -> bytes | None:
    """Return the SHA-256 of `Content-Digest` (RFC 9530), if it has one. Raises Malformed."""
    given = request.headers.get("content-digest", "")
    for part in given.split(","):
        algorithm, _, value = part.strip().partition("=")
        if algorithm.lower() == "sha-256":
            try:
                digest = base64url.decode(value.strip(":").rstrip("=").replace("+", "-").replace("/", "_"))
            except ValueError:
                digest = b""
            if len(digest) != 32:
                raise Malformed("Content-Digest must look like sha-256=:base64 of 32 bytes:")
            return digest
    return None
