"""A Hocuspocus client brings another token for a document that it has open, and gets what that token is good for."""

import json
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from tests.features.api_harness import PLAYGROUND, ApiHarness, open_api
from tests.peers import Peer, var_string
from tests.people import Person, fetch, run
from tests.waiting import until

ADD_DOCUMENT = "INSERT INTO documents (id, workspace_id, name, title) VALUES ($1, $2, $3, 'Trap')"


@pytest.fixture(scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("renewals")) as running:
        yield running


def renew(peer: Peer, token: str) -> None:
    peer.send(b"\x02\x00" + var_string(token) + var_string("4.8.0"))


async def opened(office: ApiHarness, name: str, who: Person) -> Peer:
    return await Peer(office.server, "hocus", name, token=who.token).sync()


async def shut(peer: Peer, code: str) -> None:
    """Wait until the document is closed for this reason; the socket goes on."""
    await peer.until(lambda: peer.closes, f"a close with {code}")
    assert peer.closes[0].startswith(f"{code}: ")
    assert peer.connected


@pytest.mark.parametrize("at", ["", "@"])
async def test_a_viewer_does_not_become_an_editor_by_logging_in_again(office: ApiHarness, at: str) -> None:
    name = f"plan-{uuid4().hex[:8]}"
    made = await office.make(name=name, content="the boss wrote this")
    reading = await office.editor.with_scope("read")
    viewer = await opened(office, f"{at}{office.slug}/{name}", reading)
    assert viewer.scope == "readonly"
    # A document of the playground that is spelled alike, as it may stand there since before the workspace.
    trap = uuid4()
    await run(office.server, ADD_DOCUMENT, [(trap, UUID(PLAYGROUND), f"{office.slug}/{name}")])
    answer = await office.guest.post(f"/documents/{trap}/connect-tokens", json={"role": "editor"})
    for token in ("", answer.json()["token"]):
        await viewer.saved()
        renew(viewer, token)
        viewer.insert("VIEWER WROTE INTO IT ")
        await shut(viewer, "not_found" if at or token else "ambiguous_address")
        assert viewer.scope == "readonly"
        assert viewer.unacknowledged == 1
        await viewer.close()
        viewer = await opened(office, f"{at}{office.slug}/{name}", reading)
    await viewer.close()
    assert await office.server.content(made["id"], office.editor.token) == "the boss wrote this"


async def test_a_connect_token_for_another_document_ends_the_attachment(office: ApiHarness) -> None:
    made, other = await office.make(), await office.make()
    editor = await opened(office, made["id"], office.editor)
    renew(editor, await office.server.connect_token(other["id"], "editor", office.editor.token))
    await shut(editor, "not_found")
    await editor.close()


async def test_an_address_that_names_another_document_by_now_ends_the_attachment(office: ApiHarness) -> None:
    name = f"moved-{uuid4().hex[:8]}"
    made = await office.make(name=name)
    editor = await opened(office, f"@{office.slug}/{name}", office.editor)
    await run(office.server, "UPDATE documents SET name = NULL WHERE id = $1", [(UUID(made["id"]),)])
    await office.make(name=name)
    renew(editor, office.editor.token)
    await shut(editor, "not_found")
    await editor.close()


async def test_a_token_without_rights_ends_the_attachment_and_a_lesser_one_stops_edits(office: ApiHarness) -> None:
    made = await office.make()
    editor = await opened(office, made["id"], office.editor)
    renew(editor, office.viewer.token)
    await editor.until(lambda: editor.scope == "readonly", "readonly")
    renew(editor, office.editor.token)
    await editor.until(lambda: editor.scope == "read-write", "read-write")
    renew(editor, office.stranger.token)
    await shut(editor, "not_found")
    await editor.close()


async def test_after_another_persons_token_everything_is_that_persons(office: ApiHarness) -> None:
    made = await office.make()
    witness = await Peer(office.server, "yws", made["id"], token=office.owner.token).sync()
    peer = await opened(office, made["id"], office.editor)
    first = peer.type_mark()
    client = uuid4().int % 2**31
    state = json.dumps({"user": {"name": "x"}})
    peer.announce((client, 1, state))
    await witness.until(lambda: '"editor"' in witness.presence.get(client, (0, ""))[1], "the first person's name")
    await peer.saved()

    renew(peer, office.other.token)
    second = peer.type_mark()
    # Stock clients answer the withdrawal of their own state by announcing it anew, with the next clock.
    await peer.until(lambda: client in peer.presence and peer.presence[client][1] == "null", "its state taken back")
    peer.announce((client, 2, state))
    await witness.until(lambda: '"other"' in witness.presence[client][1], "the second person's name")
    await witness.sees(first, second)
    await peer.saved()

    rows = await fetch(
        office.server,
        "SELECT actor_id AS user_id, payload FROM document_updates WHERE document_id = $1",
        UUID(made["id"]),
    )
    by = {mark: row["user_id"] for row in rows for mark in (first, second) if mark in row["payload"]}
    assert by == {first: UUID(office.editor.id), second: UUID(office.other.id)}

    async def there() -> bool:
        here = (await office.owner.get(f"/documents/{made['id']}/presence")).json()["items"]
        return {item["user_id"] for item in here} == {office.other.id, office.owner.id}

    await until(there, "the second person in the list of those who are here")
    await peer.close()
    await witness.close()


async def test_the_same_person_keeps_place_and_presence(office: ApiHarness) -> None:
    made = await office.make()
    witness = await Peer(office.server, "yws", made["id"], token=office.owner.token).sync()
    peer = await opened(office, made["id"], office.editor)
    client = uuid4().int % 2**31
    peer.announce((client, 1, "{}"))
    await witness.until(lambda: client in witness.presence, "presence")
    renew(peer, (await office.editor.with_scope("read")).token)
    await peer.until(lambda: peer.scope == "readonly", "readonly")
    assert client not in peer.presence
    assert witness.socket is not None
    await witness.socket.round_trip()
    assert witness.presence[client][1] != "null"
    await peer.close()
    await witness.close()
