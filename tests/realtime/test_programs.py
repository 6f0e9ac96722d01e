"""Programs that are shown in a document: bounds, and servers that show the same one."""

import json
from uuid import UUID, uuid4

from collab_server.access.identity import Credential, Identity
from collab_server.backends.db import Database
from collab_server.crdt.edits import Place
from collab_server.crdt.presence import Presence
from collab_server.realtime.mirror import Mirror
from collab_server.realtime.programs import MAX_PROGRAMS, SHOWN_SECONDS, Programs
from tests.realtime.desk import Desk

ANN = UUID("0a6b2c8e-3d39-4c55-8a54-6a4e0f6d0c11")
PLACE = Place((1, 1), behind=True)
NOW = 1000.0


class Office:
    """What Programs asks of a hub."""

    def __init__(self) -> None:
        self.mirror = Mirror(Database(""), "here:1", "0a")
        self.programs = Programs(self)  # type: ignore[arg-type]
        self._keys = 100

    def new_key(self) -> int:
        self._keys += 1
        return self._keys


def robot(name: str = "bot") -> Identity:
    return Identity("user", ANN, "Ann", credential=Credential("token", uuid4(), name))


def names(presence: Presence) -> list[str]:
    return sorted(json.loads(state)["user"]["name"] for _, state in presence.states())


def test_a_document_shows_so_many_programs_and_remembers_no_more() -> None:
    desk, office = Desk(), Office()
    document = desk.document
    bots = [robot(f"bot {number}") for number in range(MAX_PROGRAMS + 5)]
    for bot in bots:
        office.programs.show(document, bot, PLACE, NOW)
    assert len(document.presence) == len(document.programs) == MAX_PROGRAMS
    later = NOW + SHOWN_SECONDS + 0.1
    office.programs.show(document, bots[0], PLACE, later)
    office.programs.tend(document, later)
    assert names(document.presence) == ["Ann (API token bot 0)"]
    for bot in bots[MAX_PROGRAMS:]:
        office.programs.show(document, bot, PLACE, NOW)
    assert len(document.presence) == 6
    assert len(document.programs) == MAX_PROGRAMS
    office.programs.end(document)
    assert len(document.presence) == 0
    assert not document.is_held(NOW)


def test_a_program_that_comes_again_has_its_id_and_a_higher_clock() -> None:
    desk, office = Desk(), Office()
    bot, presence = robot(), desk.document.presence
    office.programs.show(desk.document, bot, PLACE, NOW)
    [(first, _)] = presence.states()
    told = presence.told_to_nodes([first])
    office.programs.end(desk.document)
    [gone] = presence.told_to_nodes([first])
    assert (gone.state, gone.clock) == ("null", told[0].clock)
    office.programs.show(desk.document, bot, PLACE, NOW)
    [again] = presence.told_to_nodes([first])
    assert again.clock > gone.clock


def test_a_program_whose_requests_reach_two_servers_is_one() -> None:
    one, other = Desk(), Desk()
    here, there = Office(), Office()
    bot = robot()

    def tell(sender: Desk, receiver: Desk) -> None:
        [changed] = sender.told[-1:]
        receiver.document.presence_of_node(-1, tuple(sender.document.presence.told_to_nodes(changed)), complete=False)
        receiver.turn()

    here.programs.show(one.document, bot, PLACE, NOW)
    one.turn()
    tell(one, other)
    there.programs.show(other.document, bot, Place((1, 2), behind=True), NOW)
    other.turn()
    tell(other, one)
    assert one.document.presence.states() == other.document.presence.states()
    assert names(one.document.presence) == ["Ann (API token bot)"]
    # The first server's time is over: it is the other's now.
    here.programs.end(one.document)
    assert names(one.document.presence) == ["Ann (API token bot)"]
    there.programs.end(other.document)
    other.turn()
    tell(other, one)
    assert len(one.document.presence) == len(other.document.presence) == 0


def test_a_program_never_takes_the_id_of_somebody_else() -> None:
    presence = Presence()
    presence.show(1, "user:ann", 7, 1, "{}")
    assert presence.show(2, "program:x", 7, 1, '{"user":{}}') is None
    assert presence.states() == [(7, "{}")]


def test_people_who_are_there_are_what_makes_a_program_worth_a_row() -> None:
    desk, office = Desk(), Office()
    office.programs.show(desk.document, robot(), PLACE, NOW)
    assert not office.mirror._here
    desk.seat()
    office.programs.tend(desk.document, NOW)
    assert len(office.mirror._here) == 1
    office.programs.end(desk.document)
    assert not office.mirror._here
