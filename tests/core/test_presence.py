import json

import pytest

from collab_server.core.protocol.cluster_messages import State
from collab_server.core.protocol.messages import decode_awareness, encode_awareness_entries
from collab_server.core.room.presence import (
    MAX_CONNECTION_BYTES,
    MAX_IDS,
    MAX_STATE_BYTES,
    MAX_TOTAL_BYTES,
    NODES,
    Presence,
)
from collab_server.errors import Malformed

ANN, BOB, CAT = 1, 2, 3
STATE = '{"user":{"name":"x","color":"#123456"}}'


def says(presence: Presence, owner: int, *entries: tuple[int, int, str], person: str = "p") -> set[int]:
    return presence.receive(owner, person, None, encode_awareness_entries(entries))


def present(presence: Presence) -> set[int]:
    return {client for client, _ in presence.states()}


def test_a_state_is_news_once() -> None:
    presence = Presence()
    assert says(presence, ANN, (10, 1, STATE)) == {10}
    assert says(presence, ANN, (10, 1, STATE)) == set()
    assert says(presence, ANN, (10, 2, STATE)) == {10}


def test_a_first_state_with_clock_zero_counts() -> None:
    presence = Presence()
    assert says(presence, ANN, (10, 0, STATE)) == {10}


def test_an_echo_of_anothers_state_changes_nothing() -> None:
    presence = Presence()
    says(presence, ANN, (10, 5, STATE))
    says(presence, BOB, (20, 1, STATE))
    assert says(presence, BOB, (10, 5, STATE)) == set()
    assert presence.owned_by(ANN) == {10}


def test_nobody_removes_another() -> None:
    presence = Presence()
    says(presence, ANN, (10, 5, STATE))
    assert says(presence, BOB, (10, 5, "null")) == set()
    assert says(presence, BOB, (10, 9, "null")) == set()
    assert present(presence) == {10}


def test_nobody_speaks_for_another_person() -> None:
    presence = Presence()
    says(presence, ANN, (10, 5, STATE), person="ann")
    assert says(presence, BOB, (10, 6, STATE), person="bob") == set()


def test_a_tab_that_repeats_its_neighbours_state_does_not_take_it_over() -> None:
    presence = Presence()
    says(presence, ANN, (10, 1, STATE))
    says(presence, BOB, (20, 1, STATE))
    assert says(presence, BOB, (10, 2, STATE)) == set()
    presence.leave(BOB)
    assert present(presence) == {10}


def test_a_late_close_of_an_old_socket_does_not_remove_a_returned_client() -> None:
    presence = Presence()
    presence.join(ANN)
    says(presence, ANN, (10, 5, STATE))
    presence.join(BOB)
    assert says(presence, BOB, (10, 6, STATE)) == {10}
    assert presence.leave(ANN) == set()
    assert present(presence) == {10}


def test_a_removal_over_an_open_connection_is_told() -> None:
    presence = Presence()
    says(presence, ANN, (10, 5, STATE))
    assert says(presence, ANN, (10, 5, "null")) == {10}
    assert decode_awareness(presence.payload({10})) == [(10, 5, "null")]
    assert says(presence, ANN, (10, 6, STATE)) == {10}


def test_a_leaver_is_removed_with_the_clock_it_had() -> None:
    presence = Presence()
    says(presence, ANN, (10, 5, STATE))
    assert presence.leave(ANN) == {10}
    assert decode_awareness(presence.payload({10})) == [(10, 5, "null")]
    assert presence.everyone() is None


def test_a_returning_client_may_announce_the_clock_it_left_with() -> None:
    presence = Presence()
    presence.join(ANN)
    says(presence, ANN, (10, 5, STATE))
    presence.leave(ANN)
    presence.join(CAT)
    assert says(presence, CAT, (10, 5, STATE)) == {10}


def test_a_late_message_does_not_restore_a_departed_client() -> None:
    presence = Presence()
    presence.join(ANN)
    presence.join(BOB)
    says(presence, ANN, (10, 5, STATE))
    presence.leave(ANN)
    assert says(presence, BOB, (10, 5, STATE)) == set()
    assert says(presence, BOB, (10, 4, STATE)) == set()
    assert not presence.states()


def test_the_servers_name_wins_and_the_clients_colour_stays() -> None:
    presence = Presence()
    payload = encode_awareness_entries([(10, 1, '{"user":{"name":"Mallory","id":"1","color":"red"},"cursor":{"x":1}}')])
    presence.receive(ANN, "ann", {"id": "u1", "name": "Ann"}, payload)
    ((_, state),) = presence.states()
    assert json.loads(state) == {"user": {"name": "Ann", "id": "u1", "color": "red"}, "cursor": {"x": 1}}


@pytest.mark.parametrize("state", ["", "{", "NaN", '{"a":Infinity}', "[" * 5000])
def test_a_state_that_is_not_json_is_refused(state: str) -> None:
    with pytest.raises(Malformed):
        says(Presence(), ANN, (10, 1, state))


def test_a_number_beyond_all_bounds_does_not_go_out_as_something_else_than_json() -> None:
    with pytest.raises(Malformed):
        Presence().receive(ANN, "p", {"name": "Ann"}, encode_awareness_entries([(10, 1, '{"x":1e999}')]))


def test_a_connection_may_not_announce_clients_without_end() -> None:
    presence = Presence()
    for client in range(MAX_IDS):
        says(presence, ANN, (client, 1, STATE))
    assert says(presence, ANN, (MAX_IDS, 1, STATE)) == set()
    assert presence.not_taken
    assert says(presence, ANN, (0, 2, STATE)) == {0}
    assert not presence.not_taken


def test_a_state_above_the_limit_is_not_taken_and_others_of_the_message_are() -> None:
    presence = Presence()
    says(presence, ANN, (10, 1, STATE))
    assert says(presence, ANN, (10, 2, picture(MAX_STATE_BYTES)), (11, 1, STATE)) == {11}
    assert "65536 bytes" in presence.not_taken
    assert dict(presence.states()) == {10: STATE, 11: STATE}
    assert says(presence, ANN, (10, 3, picture(5))) == {10}
    assert not presence.not_taken


def test_everyone_is_told_to_a_joiner() -> None:
    presence = Presence()
    says(presence, ANN, (10, 1, STATE))
    says(presence, BOB, (20, 7, STATE))
    everyone = presence.everyone()
    assert everyone is not None
    assert sorted(decode_awareness(everyone)) == [(10, 1, STATE), (20, 7, STATE)]


def picture(size: int) -> str:
    return json.dumps({"picture": "x" * size})


def test_the_states_of_a_connection_have_a_bound_and_the_former_ones_stay() -> None:
    presence = Presence()
    for client in range(4):
        says(presence, ANN, (client, 1, picture(40_000)))
    assert present(presence) == {0, 1, 2}
    assert presence.size <= MAX_CONNECTION_BYTES
    assert says(presence, ANN, (0, 2, picture(60_000))) == set()
    assert dict(presence.states())[0] == picture(40_000)
    assert says(presence, ANN, (0, 3, STATE)) == {0}
    assert says(presence, ANN, (3, 2, picture(40_000))) == {3}


def test_the_states_of_a_document_have_a_bound_and_room_is_made_by_leaving() -> None:
    presence = Presence()
    owners = range(1, 60)
    for owner in owners:
        says(presence, owner, (owner, 1, json.dumps({"picture": "é" * 20_000}, ensure_ascii=False)), person=f"p{owner}")
    assert MAX_TOTAL_BYTES - 41_000 < presence.size <= MAX_TOTAL_BYTES
    everyone = presence.everyone()
    assert everyone is not None
    assert len(everyone) < MAX_TOTAL_BYTES + 2_000
    shown = present(presence)
    last = max(owners)
    assert last not in shown
    presence.leave(min(shown))
    assert says(presence, last, (last, 1, picture(30_000)), person="p") == {last}
    for owner in owners:
        presence.leave(owner)
    assert presence.size == 0


def test_presence_from_other_nodes_is_bounded() -> None:
    presence = Presence()
    states = tuple(State(client, 1, picture(60_000), f"p{client}") for client in range(100))
    presence.receive_from_node(-1, states, complete=True)
    assert presence.size <= NODES * MAX_TOTAL_BYTES
    assert len(presence) > 60
    presence.receive_from_node(-1, (), complete=True)
    assert presence.size == 0
