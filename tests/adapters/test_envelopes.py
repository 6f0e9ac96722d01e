"""What a node takes from the bus: messages that another node has sent, once, and not long ago."""

import random
import time

import pytest

from collab_server.adapters.bus import QUEUE_BYTES
from collab_server.adapters.envelopes import FRESH_SECONDS, REMEMBERED, Envelopes, Forged, Repeated
from tests.seeds import choose_seed

SECRET = b"a key that several servers share"
CHANNEL = "d:one"


def node(secret: bytes = SECRET, prefix: str = "collab:") -> Envelopes:
    return Envelopes(secret, prefix)


def test_what_one_node_wraps_another_unwraps() -> None:
    sender, receiver = node(), node()
    for body in (b"x", b"\0" * 20_000):
        assert receiver.unwrap(CHANNEL, sender.wrap(CHANNEL, body)) == (sender.node, body)


def test_a_node_leaves_out_what_it_has_sent_itself() -> None:
    sender = node()
    assert sender.unwrap(CHANNEL, sender.wrap(CHANNEL, b"x")) is None


def test_a_message_with_any_byte_changed_cut_off_or_added_is_forged() -> None:
    sender, receiver = node(), node()
    frame = sender.wrap(CHANNEL, b"the body")
    changed = [bytes((*frame[:at], frame[at] ^ 1, *frame[at + 1 :])) for at in range(len(frame))]
    cut = [frame[:length] for length in range(len(frame))]
    added = [frame + b"\0", b"\0" + frame, frame + frame, bytes(QUEUE_BYTES + 1)]
    for forged in (*changed, *cut, *added):
        with pytest.raises(Forged):
            receiver.unwrap(CHANNEL, forged)
    assert receiver.unwrap(CHANNEL, frame) == (sender.node, b"the body")


def test_a_message_of_another_key_prefix_or_channel_is_forged() -> None:
    receiver = node()
    for other in (node(secret=b"a key of somebody else"), node(prefix="staging:")):
        with pytest.raises(Forged):
            receiver.unwrap(CHANNEL, other.wrap(CHANNEL, b"x"))
    with pytest.raises(Forged):
        receiver.unwrap("d:two", node().wrap(CHANNEL, b"x"))


def test_a_message_is_taken_once_on_each_node() -> None:
    sender, receivers = node(), [node(), node()]
    frames = [sender.wrap(CHANNEL, b"%d" % number) for number in range(10)]
    for receiver in receivers:
        for frame in frames:
            receiver.unwrap(CHANNEL, frame)
        for frame in frames:
            with pytest.raises(Repeated):
                receiver.unwrap(CHANNEL, frame)


def test_messages_may_be_lost_and_overtaken_and_none_is_taken_twice() -> None:
    seed = choose_seed()
    rng = random.Random(seed)
    senders, receiver = [node(), node()], node()
    sent = [(s, number, senders[s].wrap(CHANNEL, b"%d" % number)) for number in range(1000) for s in (0, 1)]
    # Each may be overtaken by fewer than are remembered of its sender.
    sent.sort(key=lambda one: one[1] + rng.uniform(0, REMEMBERED / 2))
    arriving = [one for one in sent if rng.random() < 0.9]
    taken = [receiver.unwrap(CHANNEL, frame) for _, _, frame in arriving]
    assert taken == [(senders[s].node, b"%d" % number) for s, number, _ in arriving]
    for _, _, frame in arriving:
        with pytest.raises(Repeated):
            receiver.unwrap(CHANNEL, frame)


def test_a_message_that_too_many_have_overtaken_is_refused() -> None:
    sender, receiver = node(), node()
    late, *others = [sender.wrap(CHANNEL, b"x") for _ in range(REMEMBERED + 2)]
    for frame in others:
        receiver.unwrap(CHANNEL, frame)
    with pytest.raises(Repeated):
        receiver.unwrap(CHANNEL, late)


@pytest.mark.parametrize("away", [-1, 1])
def test_a_recorded_message_is_refused_by_a_node_that_has_never_seen_it(away: int) -> None:
    sender, receiver = node(), node()
    frame = sender.wrap(CHANNEL, b"x")
    receiver.set_clock(time.time() + away * (FRESH_SECONDS + 1), time.monotonic())
    with pytest.raises(Repeated):
        receiver.unwrap(CHANNEL, frame)
    receiver.set_clock(time.time() + away * (FRESH_SECONDS - 1), time.monotonic())
    assert receiver.unwrap(CHANNEL, frame) == (sender.node, b"x")


def test_nodes_whose_own_clocks_differ_agree_on_the_database_s() -> None:
    sender, receiver = node(), node()
    sender.set_clock(4_000_000_000.0, time.monotonic())
    with pytest.raises(Repeated):
        receiver.unwrap(CHANNEL, sender.wrap(CHANNEL, b"x"))
    receiver.set_clock(4_000_000_000.0, time.monotonic())
    receiver.unwrap(CHANNEL, sender.wrap(CHANNEL, b"x"))


def test_numbers_are_remembered_while_their_messages_are_fresh_and_not_much_longer() -> None:
    receiver = node()
    began = time.monotonic()
    for second in range(1000):
        assert receiver._numbers(f"d:{second}", b"somebody", began + second).take(1)
        # A message may be dated FRESH_SECONDS ahead, and be as late.
        oldest = max(0, second - int(2 * FRESH_SECONDS))
        for before in (oldest, (oldest + second) // 2):
            numbers = (
                receiver._seen.get((f"d:{before}", b"somebody")) or receiver._seen_before[f"d:{before}", b"somebody"]
            )
            assert not numbers.take(1)
        assert len(receiver._seen) + len(receiver._seen_before) <= 4 * FRESH_SECONDS + 4
