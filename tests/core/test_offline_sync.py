"""The binary form of sync/pull and sync/push."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab_server.core.protocol import offline_sync
from collab_server.errors import Malformed

IDS = st.uuids()
NUMBERS = st.integers(0, 2**53 - 2)
GENERATIONS = st.none() | NUMBERS
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
WANTED = st.builds(offline_sync.PullRequest, IDS, st.binary(max_size=20), GENERATIONS, NUMBERS, GENERATIONS)
EDITS = st.builds(offline_sync.Edit, IDS, st.binary(max_size=20), GENERATIONS)
ANSWERS = st.one_of(
    st.builds(
        offline_sync.PulledDocument, IDS, NUMBERS, NUMBERS, st.binary(max_size=9), st.binary(max_size=300), TEXTS
    ),
    st.builds(offline_sync.Refusal, IDS, TEXTS, TEXTS, GENERATIONS),
    st.builds(offline_sync.PushResult, IDS, NUMBERS, NUMBERS),
    st.builds(offline_sync.MutationResult, TEXTS),
    st.builds(offline_sync.End, TEXTS, TEXTS),
)


@given(st.lists(WANTED, max_size=5))
def test_a_pull_is_read_as_it_was_written(wanted: list[offline_sync.PullRequest]) -> None:
    assert offline_sync.decode_pull(offline_sync.encode_pull(wanted), 5) == wanted


@given(TEXTS, st.lists(EDITS | st.builds(offline_sync.Mutation, TEXTS), max_size=5))
def test_a_push_is_read_as_it_was_written(
    device: str, operations: list[offline_sync.Edit | offline_sync.Mutation]
) -> None:
    assert offline_sync.decode_push(offline_sync.encode_push(device, operations), 5) == (device, operations)


@given(st.lists(ANSWERS, max_size=8), st.integers(1, 50))
def test_answers_arrive_in_pieces_of_any_size(answers: list[offline_sync.Answer], size: int) -> None:
    encoded = b"".join(map(offline_sync.encode_answer, answers))
    frames = offline_sync.FrameDecoder()
    read = [one for start in range(0, len(encoded), size) for one in frames.feed(encoded[start : start + size])]
    assert read == answers


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_one_error(body: bytes) -> None:
    for decode in (offline_sync.decode_pull, offline_sync.decode_push):
        for given_bytes in (body, b"\1" + body):
            try:
                decode(given_bytes, 1000)
            except Malformed:
                continue
    try:
        offline_sync.decode_answer(body)
    except Malformed:
        return


def test_more_than_is_allowed_is_refused_before_it_is_read() -> None:
    wanted = [offline_sync.PullRequest(UUID(int=number)) for number in range(4)]
    with pytest.raises(Malformed, match="at most 3"):
        offline_sync.decode_pull(offline_sync.encode_pull(wanted), 3)
