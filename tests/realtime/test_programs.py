"""ApiClients that are shown in a document: bounds, and servers that show the same one."""

import json
from uuid import UUID, uuid4

from collab_server.access.identity import Credential, Identity
from collab_server.adapters.postgres import Database
from collab_server.core.room.presence import Presence
from collab_server.core.yjs.edit_functions import Place
from collab_server.realtime.presence.api_clients import MAX_CLIENTS, SHOWN_SECONDS, ApiClients
from collab_server.realtime.presence.presence_table import PresenceTable
from tests.realtime.document_harness import DocumentHarness

ANN = UUID("0a6b2c8e-3d39-4c55-8a54-6a4e0f6d0c11")
PLACE = Place((1, 1), behind=True)
NOW = 1000.0


class Office:
    """What ApiClients asks of a service."""

    def __init__(self) -> None:
        self.mirror = PresenceTable(Database(""), "here:1", "0a")
        self._keys = 100
        self.programs = ApiClients(self.new_key, self.mirror)

    def new_key(self) -> int:
        self._keys += 1
        return self._keys


def robot(name: str = "bot") -> Identity:
    return Identity("user", ANN, "Ann", credential=Credential("token", uuid4(), name))


def names(presence: Presence) -> list[str]:
    return sorted(json.loads(state)["user"]["name"] for _, state in presence.states())


def test_a_document_shows_so_many_programs_and_remembers_no_more() -> None:
    desk, office = DocumentHarness(), Office()
    document = desk.document
    bots = [robot(f"bot {number}") for number in range(MAX_CLIENTS + 5)]
    for bot in bots:
        office.programs.show(document, bot, PLACE, NOW)
    assert len(document.presence) == office.programs.count(document.id) == MAX_CLIENTS
    later = NOW + SHOWN_SECONDS + 0.1
    office.programs.show(document, bots[0], PLACE, later)
    office.programs.tick(later)
    assert names(document.presence) == ["Ann (API token bot 0)"]
    for bot in bots[MAX_CLIENTS:]:
        office.programs.show(document, bot, PLACE, NOW)
    assert len(document.presence) == 6
    assert office.programs.count(document.id) == MAX_CLIENTS
    office.programs.hide_all()
    assert len(document.presence) == 0
    assert not document.is_in_use(NOW)


def test_a_program_that_comes_again_has_its_id_and_a_higher_clock() -> None:
    desk, office = DocumentHarness(), Office()
    bot, presence = robot(), desk.document.presence
    office.programs.show(desk.document, bot, PLACE, NOW)
    [(first, _)] = presence.states()
    told = presence.told_to_nodes([first])
    office.programs.hide_all()
    [gone] = presence.told_to_nodes([first])
    assert (gone.state, gone.clock) == ("null", told[0].clock)
    office.programs.show(desk.document, bot, PLACE, NOW)
    [again] = presence.told_to_nodes([first])
    assert again.clock > gone.clock


def test_a_program_whose_requests_reach_two_servers_is_one() -> None:
    one, other = DocumentHarness(), DocumentHarness()
    here, there = Office(), Office()
    bot = robot()

    def tell(sender: DocumentHarness, receiver: DocumentHarness) -> None:
        [changed] = sender.told[-1:]
        receiver.document.receive_node_presence(
            -1, tuple(sender.document.presence.told_to_nodes(changed)), complete=False
        )
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
    here.programs.hide_all()
    assert names(one.document.presence) == ["Ann (API token bot)"]
    there.programs.hide_all()
    other.turn()
    tell(other, one)
    assert len(one.document.presence) == len(other.document.presence) == 0


def test_a_program_never_takes_the_id_of_somebody_else() -> None:
    presence = Presence()
    presence.show(1, "user:ann", 7, 1, "{}")
    assert presence.show(2, "program:x", 7, 1, '{"user":{}}') is None
    assert presence.states() == [(7, "{}")]


def test_people_who_are_there_are_what_makes_a_program_worth_a_row() -> None:
    desk, office = DocumentHarness(), Office()
    office.programs.show(desk.document, robot(), PLACE, NOW)
    assert not office.mirror._here
    desk.seat()
    office.programs.tick(NOW)
    assert len(office.mirror._here) == 1
    office.programs.hide_all()
    assert not office.mirror._here
