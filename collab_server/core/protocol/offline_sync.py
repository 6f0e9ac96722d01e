"""The binary form of sync/pull and sync/push (application/vnd.collab.sync): many documents in one body.

Numbers, bytes and strings are lib0's (varUint, varUint8Array, varString). An id is the 16 bytes of a UUID. A generation
travels as itself plus one; 0 says that it is not known.

    pull      1, count, then per document: id, generation, seq, row version, state vector
    push      1, device, count, then per operation: kind, then for an update (0): id, generation, update;
              for a mutation (1): its JSON as a string
    answers   frames, each a varUint length and its bytes, which begin with a kind:
              0 end       code, detail                  an empty code: complete
              1 document  id, generation, seq, state vector, update, JSON of the metadata (empty: not asked, or current)
              2 refusal   id, generation, code, detail
              3 pushed    id, generation, seq
              4 mutated   JSON of the result

Every answer closes with an end frame, so half an answer shows.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from collab_server.core.yjs.lib0 import Reader, write_var_bytes, write_var_string, write_var_uint
from collab_server.errors import Malformed

MEDIA_TYPE: Final = "application/vnd.collab.sync"
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class PullRequest:
    """The client's version of a document in a pull.

    `generation`: None for a first pull. `seq`: the client has the log up to this row; 0: unknown. `row_version`: of the
    client's metadata; 0: none, None: no metadata wanted.
    """

    document_id: UUID
    state_vector: bytes = b"\0"
    generation: int | None = None
    seq: int = 0
    row_version: int | None = None


@dataclass(frozen=True, slots=True)
class PulledDocument:
    """The server's version of a document.

    `update`: the part beyond the client's state vector, of all committed rows up to `seq`. `state_vector`: of all these
    rows. `metadata`: JSON.
    """

    document_id: UUID
    generation: int
    seq: int
    state_vector: bytes
    update: bytes
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal. `generation`: the current one, if the client's was wrong."""

    document_id: UUID
    code: str
    detail: str
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class PushResult:
    """A committed update, in one of the log's rows up to `seq`."""

    document_id: UUID
    generation: int
    seq: int


@dataclass(frozen=True, slots=True)
class MutationResult:
    """The result of a mutation, as JSON."""

    result: str


@dataclass(frozen=True, slots=True)
class End:
    """The end of an answer. `code`: empty for a complete answer."""

    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """An operation of a push: a Yjs update of one document."""

    document_id: UUID
    update: bytes
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class Mutation:
    """An operation of a push, as JSON."""

    body: str


Answer = PulledDocument | Refusal | PushResult | MutationResult | End


def _generation(generation: int | None) -> bytes:
    return write_var_uint(0 if generation is None else generation + 1)


def encode_pull(wanted: Iterable[PullRequest]) -> bytes:
    parts = [
        w.document_id.bytes
        + _generation(w.generation)
        + write_var_uint(w.seq)
        + _generation(w.row_version)
        + write_var_bytes(w.state_vector)
        for w in wanted
    ]
    return write_var_uint(_VERSION) + write_var_uint(len(parts)) + b"".join(parts)


def decode_pull(body: bytes, most: int) -> list[PullRequest]:
    """Decode a pull. Raises Malformed, also for more than `most` documents."""
    reader = _open_body(body)
    wanted = []
    for _ in range(_count(reader, most)):
        document_id, generation = _id(reader), _read_generation(reader)
        seq, row_version = reader.var_uint(), _read_generation(reader)
        wanted.append(PullRequest(document_id, reader.var_bytes(), generation, seq, row_version))
    reader.end()
    return wanted


def encode_push(device: str, operations: Iterable[Edit | Mutation]) -> bytes:
    parts = [
        b"\0" + o.document_id.bytes + _generation(o.generation) + write_var_bytes(o.update)
        if isinstance(o, Edit)
        else b"\1" + write_var_string(o.body)
        for o in operations
    ]
    return write_var_uint(_VERSION) + write_var_string(device) + write_var_uint(len(parts)) + b"".join(parts)


def decode_push(body: bytes, most: int) -> tuple[str, list[Edit | Mutation]]:
    """Decode a push: (device, operations). Raises Malformed, also for more than `most` operations."""
    reader = _open_body(body)
    device = reader.var_string()
    operations: list[Edit | Mutation] = []
    for _ in range(_count(reader, most)):
        kind = reader.var_uint()
        if kind == 0:
            document_id, generation = _id(reader), _read_generation(reader)
            operations.append(Edit(document_id, reader.var_bytes(), generation))
        elif kind == 1:
            operations.append(Mutation(reader.var_string()))
        else:
            raise Malformed(f"an operation of kind {kind} does not exist")
    reader.end()
    return device, operations


def encode_answer(answer: Answer) -> bytes:
    """Encode one frame with its length."""
    match answer:
        case End():
            frame = b"\0" + write_var_string(answer.code) + write_var_string(answer.detail)
        case PulledDocument():
            frame = b"\1" + answer.document_id.bytes + _generation(answer.generation) + write_var_uint(answer.seq)
            frame += write_var_bytes(answer.state_vector) + write_var_bytes(answer.update)
            frame += write_var_string(answer.metadata)
        case Refusal():
            frame = b"\2" + answer.document_id.bytes + _generation(answer.generation)
            frame += write_var_string(answer.code) + write_var_string(answer.detail)
        case PushResult():
            frame = b"\3" + answer.document_id.bytes + _generation(answer.generation) + write_var_uint(answer.seq)
        case MutationResult():
            frame = b"\4" + write_var_string(answer.result)
    return write_var_bytes(frame)


def decode_answer(frame: bytes) -> Answer:
    """Decode a frame without its length. Raises Malformed."""
    reader = Reader(frame)
    kind = reader.var_uint()
    answer: Answer
    if kind == 0:
        answer = End(reader.var_string(), reader.var_string())
    elif kind in (1, 2, 3):
        document_id, generation = _id(reader), _read_generation(reader)
        if kind == 2:
            answer = Refusal(document_id, reader.var_string(), reader.var_string(), generation)
        else:
            seq = reader.var_uint()
            answer = PushResult(document_id, generation or 0, seq)
            if kind == 1:
                vector, update, metadata = reader.var_bytes(), reader.var_bytes(), reader.var_string()
                answer = PulledDocument(document_id, generation or 0, seq, vector, update, metadata)
    elif kind == 4:
        answer = MutationResult(reader.var_string())
    else:
        raise Malformed(f"an answer of kind {kind} does not exist")
    reader.end()
    return answer


class FrameDecoder:
    """Decodes the frames of an answer from chunks of bytes."""

    __slots__ = ("_needed", "_received")

    def __init__(self) -> None:
        self._received = bytearray()
        self._needed = 1

    def feed(self, chunk: bytes) -> Iterator[Answer]:
        """Add a chunk; returns the newly completed answers. Raises Malformed."""
        self._received += chunk
        if len(self._received) < self._needed:
            return
        received = bytes(self._received)
        start = 0
        while start < len(received):
            reader = Reader(received, start)
            try:
                end = reader.var_uint() + reader.position
            except Malformed:
                if len(received) - start > 8:
                    raise
                end = len(received) + 1
            if end > len(received):
                self._needed = end - start
                break
            yield decode_answer(received[reader.position : end])
            start, self._needed = end, 1
        del self._received[:start]


def _open_body(body: bytes) -> Reader:
    reader = Reader(body)
    if (version := reader.var_uint()) != _VERSION:
        raise Malformed(f"version {version} of {MEDIA_TYPE} is not known")
    return reader


def _count(reader: Reader, most: int) -> int:
    count = reader.var_uint()
    if count > most:
        raise Malformed(f"{count} are too many: at most {most} at once")
    return count


def _id(reader: Reader) -> UUID:
    start, end = reader.position, reader.position + 16
    if end > len(reader.frame):
        raise Malformed("an id is cut off")
    reader.position = end
    return UUID(bytes=reader.frame[start:end])


def _read_generation(reader: Reader) -> int | None:
    number = reader.var_uint()
    return number - 1 if number else None
