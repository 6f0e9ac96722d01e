"""Seeded random and mutated bytes through every door: each is read or Malformed, and none is a bomb."""

import gc as collector
import resource
import time
from collections.abc import Callable, Iterator
from random import Random

import pytest

from collab_server.core.protocol import hocuspocus, ywebsocket
from collab_server.core.protocol.messages import (
    Awareness,
    SyncStep1,
    SyncStep2,
    Update,
    decode_awareness,
    encode_awareness,
    encode_awareness_entries,
    encode_sync_step1,
    encode_update,
    sync_step2_parts,
)
from collab_server.core.yjs.delete_set import DeleteSet
from collab_server.core.yjs.inspection import inspect
from collab_server.core.yjs.lib0 import write_var_string, write_var_uint
from collab_server.core.yjs.updates import decode_state_vector, diff, encode_state_vector, merge, state_vector, validate
from collab_server.errors import Malformed
from tests.core.strategies import YJS_UPDATES, anything, gc, skip, string
from tests.core.strategies import encode_update as encode

SEED = 20_260_101
FRAMES = 100_000
MAX_SECONDS_EACH = 0.25
MAX_GROWTH_MB = 64

NASTY_NUMBERS = [
    write_var_uint(number) for number in (0, 127, 128, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53 - 1)
] + [b"\xff" * 8, b"\x80" * 9 + b"\x01", b"\xff\xff\xff\x7f", b"\x80\x00"]  # fmt: skip

UPDATES = [bytes.fromhex(case[1]) for case in YJS_UPDATES] + [
    encode([(7, 0, [string("a😀b"), skip(3), gc(2), anything(b"\x75\x02\x7e\x76\x01\x01k\x7d\x05")])], [(7, [(1, 2)])]),
    encode([(7, 2, [string("😀😀")]), (2**53 - 1, 5, [string("é")])], [(1, [(0, 3), (9, 1)]), (2, [(0, 1)])]),
]
STATE_VECTORS = [encode_state_vector(clocks) for clocks in ({}, {7: 3}, {1: 5, 2**53 - 1: 2, 3456789012: 2**31 - 1})]
INNER = (
    [encode_update(update) for update in UPDATES]
    + [b"".join(sync_step2_parts(update)) for update in UPDATES]
    + [encode_sync_step1(encoded) for encoded in STATE_VECTORS]
    + [encode_awareness(encode_awareness_entries([(5, 1, '{"user":{}}'), (2**40, 9, "null")])), b"\x03", b"\x07"]
    + [b"\x02\x00" + write_var_string("token") + write_var_string("4.8.0"), b"\x05" + write_var_string("hi")]
)


def mutate(random: Random, original: bytes) -> bytes:
    """`original` with one to six bytes or numbers changed, put in, or taken out."""
    mutated = bytearray(original)
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        position = random.randrange(len(mutated) + 1)
        match random.randrange(7):
            case 0:
                mutated[position : position + 1] = random.randbytes(1)
            case 1:
                mutated[position : position + 1] = random.choice(NASTY_NUMBERS)
            case 2:
                mutated[position:position] = random.choice(NASTY_NUMBERS)
            case 3:
                del mutated[position : position + random.randrange(1, 6)]
            case 4:
                mutated[position:position] = random.randbytes(random.randrange(1, 5))
            case 5:
                other = random.choice(UPDATES)
                start = random.randrange(len(other))
                mutated[position : position + random.randrange(8)] = other[start : start + random.randrange(1, 20)]
            case _:
                if position < len(mutated):
                    mutated[position] ^= 1 << random.randrange(8)
    return bytes(mutated)


def read_content(message: object) -> None:
    """What the server does with the content of a decoded message."""
    match message:
        case SyncStep1(state_vector=encoded):
            diff(UPDATES[-1], encoded)
        case SyncStep2(update=update) | Update(update=update):
            validate(update)
        case Awareness(entries_payload=payload):
            decode_awareness(payload)


def read_ywebsocket(frame: bytes) -> None:
    read_content(ywebsocket.decode(frame))


def read_hocuspocus(frame: bytes) -> None:
    _, message = hocuspocus.decode(frame)
    read_content(message)


def use_update(update: bytes) -> None:
    """All that happens to an update that was found valid."""
    summary = validate(update)
    joined = merge([UPDATES[-1], update, UPDATES[2]])
    known = encode_state_vector({client: (start + end) // 2 for client, start, end in summary.structs})
    diff(update, known)
    diff(joined, known)
    assert DeleteSet.from_update(update).covers(summary.deletes)
    as_pycrdt_reads_it = inspect(diff(update, b"\x00"))
    assert DeleteSet(as_pycrdt_reads_it.structs).ranges() == DeleteSet(summary.structs).ranges()
    assert DeleteSet(as_pycrdt_reads_it.deletes).ranges() == DeleteSet(summary.deletes).ranges()
    state_vector(joined)


@pytest.fixture(autouse=True, scope="module")
def _what_other_tests_left_is_not_collected_here() -> Iterator[None]:
    """The collector's way through it would be counted as a frame's."""
    collector.collect()
    collector.freeze()
    yield
    collector.unfreeze()


def survive(door: Callable[[bytes], None], frames: list[bytes]) -> tuple[int, int]:
    """How many of `frames` `door` took and how many it refused; fails if one was a bomb or raised anything else."""
    taken = refused = 0
    for frame in frames:
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.thread_time()
        try:
            door(frame)
            taken += 1
        except Malformed:
            refused += 1
        except BaseException:
            print(f"seed {SEED}, {door.__name__}: {frame.hex()}")
            raise
        seconds = time.thread_time() - started
        growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024
        assert seconds < MAX_SECONDS_EACH, f"{seconds:.2f} s, seed {SEED}, {door.__name__}: {frame.hex()}"
        assert growth < MAX_GROWTH_MB, f"{growth:.0f} MB, seed {SEED}, {door.__name__}: {frame.hex()}"
    return taken, refused


def test_mutated_ywebsocket_frames_are_read_or_malformed() -> None:
    random = Random(SEED)
    frames = [mutate(random, random.choice(INNER)) for _ in range(FRAMES)]
    taken, refused = survive(read_ywebsocket, frames)
    assert taken > 500
    assert refused > 500


def test_mutated_hocuspocus_frames_are_read_or_malformed() -> None:
    random = Random(SEED + 1)
    addresses = [write_var_string(address) for address in ("notes", "日本", "notes\0session", "")]
    frames = [mutate(random, random.choice(addresses) + random.choice(INNER)) for _ in range(FRAMES)]
    taken, refused = survive(read_hocuspocus, frames)
    assert taken > 500
    assert refused > 500


def test_random_bytes_are_read_or_malformed() -> None:
    random = Random(SEED + 2)
    frames = [random.randbytes(random.randrange(60)) for _ in range(FRAMES // 4)]
    for door in (read_ywebsocket, read_hocuspocus, use_update, decode_state_vector):
        survive(door, frames)  # type: ignore[arg-type]


def test_mutated_updates_are_malformed_or_can_be_merged_and_compared() -> None:
    random = Random(SEED + 3)
    frames = [mutate(random, random.choice(UPDATES)) for _ in range(FRAMES)]
    taken, refused = survive(use_update, frames)
    assert taken > 500
    assert refused > 500


def test_mutated_state_vectors_are_read_or_malformed() -> None:
    random = Random(SEED + 4)
    frames = [mutate(random, random.choice(STATE_VECTORS)) for _ in range(FRAMES // 4)]
    survive(decode_state_vector, frames)  # type: ignore[arg-type]


def big_and_hostile(count: int) -> list[bytes]:
    number = write_var_uint(count)
    return [
        encode([(7, 0, [gc(1)] * count)]),
        encode([(7, 0, [skip(1), gc(1)] * (count // 2))]),
        encode([(client, 0, [gc(1)]) for client in range(count)]),
        encode([], [(7, [(2 * clock, 1) for clock in range(count, 0, -1)])]),
        encode([], [(client, [(0, 1)]) for client in range(count)]),
        encode([(7, 0, [anything(*[b"\x75\x00"] * count)])]),
        encode([(7, 0, [anything(b"\x76" + number + b"\x00\x7e" * count)])]),
        encode([(7, 0, [string("é" * count)])]),
    ]


def seconds_for(update: bytes) -> float:
    started = time.thread_time()
    use_update(update)
    return time.thread_time() - started


def test_big_hostile_updates_cost_time_in_proportion() -> None:
    # Five times as many take five times as long. What takes the square of them would take 25 times as long.
    for fewer, more in zip(big_and_hostile(10_000), big_and_hostile(50_000), strict=True):
        least = min(seconds_for(fewer) for _ in range(2))
        assert seconds_for(more) < 15 * least + 0.2, more[:20].hex()
