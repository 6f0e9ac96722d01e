"""Delivery of live events to connections of documents."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast
from uuid import UUID, uuid4

from collab_server.access.identity import GUEST, Identity
from collab_server.adapters.postgres import Database, Subject
from collab_server.adapters.websocket.connection import HIGH_WATER
from collab_server.adapters.websocket.sse import EventStream
from collab_server.features.changes.feed import Cursor
from collab_server.features.changes.queries import NewEntry, Position
from collab_server.features.changes.reader import Batch, FeedReader
from collab_server.realtime.live_events import RESYNC, Event, LiveEvents, Stream, presence_event

DOCUMENT = uuid4()
_NO_DATABASE = cast(Database, None)


class Receiver:
    def __init__(self, user_id: UUID | None = None) -> None:
        self.user_id = user_id
        self.rights = Subject(user_id)
        self.is_congested = False
        self.events: list[Event] = []

    def send_event(self, event: Event) -> None:
        self.events.append(event)


def entry(number: int, document_id: UUID | None = DOCUMENT, target: UUID | None = None) -> NewEntry:
    moment = datetime(2026, 1, 31, 12, tzinfo=UTC)
    return NewEntry(
        Position(1, number), uuid4(), target, "version", UUID(int=number), document_id, "create", number, moment
    )


def batch(*entries: NewEntry, has_gap: bool = False) -> Batch:
    return Batch(1, entries[-1].position if entries else Position(0, 0), entries, has_gap)


def numbers(receiver: Receiver) -> list[int | None]:
    return [event.get("row_version") for event in receiver.events]


def live_events() -> tuple[LiveEvents, Receiver, Receiver]:
    made = LiveEvents(FeedReader(_NO_DATABASE), _NO_DATABASE)
    first, second = Receiver(uuid4()), Receiver(uuid4())
    made.subscribe(DOCUMENT, first)
    made.subscribe(DOCUMENT, second)
    return made, first, second


async def test_connections_of_the_document_receive_its_entries_in_order() -> None:
    live, first, second = live_events()
    stranger = Receiver()
    live.subscribe(uuid4(), stranger)
    await live.on_batch(batch(entry(1), entry(2, None), entry(3)))
    assert numbers(first) == numbers(second) == [1, 3]
    assert stranger.events == []
    assert first.events[0]["at"] == "2026-01-31T12:00:00.000Z"


async def test_an_entry_for_one_user_reaches_no_other_connection() -> None:
    live, first, second = live_events()
    await live.on_batch(batch(entry(1, target=first.user_id)))
    assert (numbers(first), numbers(second)) == ([1], [])


async def test_a_congested_connection_gets_one_resync_instead_of_a_queue() -> None:
    live, slow, fast = live_events()
    slow.is_congested = True
    for number in range(1, 5):
        await live.on_batch(batch(entry(number)))
    assert slow.events == [] and numbers(fast) == [1, 2, 3, 4]
    slow.is_congested = False
    await live.on_batch(batch())
    await live.on_batch(batch(entry(5)))
    assert slow.events[0] == RESYNC and numbers(slow)[1:] == [5]


async def test_a_gap_in_what_was_read_is_a_resync_for_all() -> None:
    live, first, second = live_events()
    await live.on_batch(batch(has_gap=True))
    assert first.events == second.events == [RESYNC]


async def test_a_connection_that_left_receives_nothing() -> None:
    live, first, second = live_events()
    second.is_congested = True
    await live.on_batch(batch(entry(1)))
    live.unsubscribe(DOCUMENT, second)
    second.is_congested = False
    await live.on_batch(batch(entry(2)))
    assert (numbers(first), second.events) == ([1, 2], [])
    live.unsubscribe(DOCUMENT, first)
    assert len(live) == 0


class Told(EventStream):
    """The socket of a stream: the names of what was told, instead of bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, dict[str, object], str]] = []

    def send_event(self, event: str, data: Mapping[str, object], *, event_id: str = "") -> None:
        self.events.append((event, dict(data), event_id))


def add_stream(live: LiveEvents, workspaces: set[UUID] | None) -> tuple[Stream, Told]:
    async def authenticate() -> Identity:
        return GUEST

    socket = Told()
    cursor = None if workspaces is None else Cursor(None, 1, Position(1, 5))
    stream = Stream(GUEST, socket, authenticate, None if workspaces is None else frozenset(workspaces), cursor=cursor)
    live._streams.add(stream)
    return stream, socket


async def test_presence_reaches_the_streams_that_may_read_the_workspace_and_moves_no_cursor() -> None:
    live, first, _ = live_events()
    one, other = uuid4(), uuid4()
    _, reader = add_stream(live, {one})
    _, stranger = add_stream(live, {uuid4()})
    _, beginning = add_stream(live, None)
    live.presence_changed({one: [DOCUMENT], other: [uuid4()]})
    assert reader.events == [("presence", presence_event(one, DOCUMENT), "")]
    assert stranger.events == beginning.events == []
    assert first.events == [], "the connections of a document see its cursors"


async def test_a_congested_stream_gets_one_resync_instead_of_presence() -> None:
    live, _, _ = live_events()
    workspace = uuid4()
    stream, reader = add_stream(live, {workspace})
    reader._queued = HIGH_WATER + 1
    for _ in range(3):
        live.presence_changed({workspace: [DOCUMENT]})
    assert reader.events == []
    reader._queued = 0
    live._resync_stream(stream)
    live._resync_stream(stream)
    assert reader.events == [("resync", {}, str(stream.cursor))]


async def test_missed_presence_is_a_resync_for_every_stream_that_has_begun() -> None:
    live, first, _ = live_events()
    stream, reader = add_stream(live, set())
    _, beginning = add_stream(live, None)
    live.presence_missed()
    assert reader.events == [("resync", {}, str(stream.cursor))]
    assert beginning.events == [] and first.events == []
