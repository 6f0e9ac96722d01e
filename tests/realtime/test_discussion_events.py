"""Who hears what of a discussion, on both protocols, streams of documents and streams of pages, by table."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import pytest

from tests.events import Listener, listening
from tests.features.api_harness import PLAYGROUND, ApiHarness, open_api
from tests.features.comments.test_comments import connect, say
from tests.features.shares.sharing import share
from tests.features.suggestions.suggesting import accepted, suggested
from tests.features.workspaces.teams import join
from tests.interop.harness import FAMILIES
from tests.peers import Peer
from tests.people import Person, people
from tests.realtime.streams import Page, page
from tests.waiting import until

Event = dict[str, Any]
DISCUSSION = {"comment", "suggestion"}
PUBLIC = {
    # who has a connection of a public document of a team: which entities they hear of besides the document
    "owner": DISCUSSION,
    "admin": DISCUSSION,
    "editor": DISCUSSION,
    "commenter": DISCUSSION | {"notification"},
    "viewer": DISCUSSION | {"notification"},
    "stranger": set(),
    "guest": set(),
    "bearer of a member": DISCUSSION,
    "bearer of a stranger": set(),
    "shared with": DISCUSSION,
    "guest by a link": DISCUSSION,
}
TEXT = "secret words that nobody else reads\n"


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("discussion_events"), guest_role="editor") as running:
        yield running


async def discuss(api: ApiHarness, document: Event) -> set[str]:
    """All that may happen to comments and suggestions; the viewer is mentioned. Returns their ids."""
    root = await say(api.commenter, document["id"], "Secret", anchor={"quote": "words"}, mentions=[api.viewer.id])
    path = f"/comments/{root['id']}"
    reply = await say(api.editor, document["id"], "Secret reply", parent_id=root["id"])
    assert (await api.owner.put(f"{path}/reactions/👍")).status_code == 204
    assert (await api.commenter.patch(path, json={"content": "Secret still"})).status_code == 200
    assert (await api.editor.post(f"{path}/resolve")).status_code == 200
    assert (await api.editor.delete(f"/comments/{reply['id']}")).status_code == 204
    one = await suggested(api.commenter, document, "secret", "open")
    await accepted(api.editor, one)
    return {root["id"], reply["id"], one["id"]}


def heard_of(events: list[Event], document: Event) -> dict[str, set[str]]:
    """Entity ids by entity type."""
    found: dict[str, set[str]] = {}
    for event in events:
        if "entity_type" in event and event["document_id"] in (document["id"], None):
            found.setdefault(event["entity_type"], set()).add(event["entity_id"])
    return found


async def make_public(api: ApiHarness) -> Event:
    made = await api.make(content=TEXT)
    answer = await api.owner.patch(f"/documents/{made['id']}", json={"is_public": True})
    assert answer.status_code == 200, answer.text
    return made


async def everybody(api: ApiHarness, document: Event) -> dict[str, Person]:
    [ben] = await people(api.server, "ben")
    await share(api, document["id"], kind="user", user_id=ben.id)
    link = (await share(api, document["id"]))["token"]
    return {
        "shared with": ben,
        "guest by a link": Person(api.server, "g", "", UUID(int=0), UUID(int=0), link),
        **{role: api.staff[role] for role in ("owner", "admin", "editor", "commenter", "viewer", "stranger")},
        "guest": api.guest,
        "bearer of a member": await connect(api.owner, document["id"], role="viewer", name="Zoe"),
        "bearer of a stranger": await connect(api.stranger, document["id"], role="viewer"),
    }


def token_of(who: Person) -> str | None:
    return who.headers.get("authorization", "").removeprefix("Bearer ") or None


def told(ear: Peer | Listener | Page) -> list[Event]:
    return ear.events if isinstance(ear, Peer) else [event for name, event in ear.named if name == "change"]


async def hear_the_end(api: ApiHarness, document: Event, ears: dict[str, Peer | Listener | Page]) -> None:
    """Wait until all have heard of a change of the document that comes last: events come in their order."""
    count = {name: sum(event.get("entity_type") == "document" for event in told(ear)) for name, ear in ears.items()}
    answer = await api.owner.patch(f"/documents/{document['id']}", json={"description": "The end"})
    version = answer.json()["row_version"]
    for name, ear in ears.items():
        await until(
            lambda ear=ear: any(e.get("row_version") == version and e["entity_type"] == "document" for e in told(ear)),  # type: ignore[misc]
            f"the end, for {name} after {count[name]}: {told(ear)}",
        )


async def test_each_identity_hears_on_a_document_what_the_table_says(api: ApiHarness) -> None:
    document = await make_public(api)
    who = await everybody(api, document)
    assert who.keys() == PUBLIC.keys()
    ears: dict[str, Peer | Listener | Page] = {}
    async with AsyncExitStack() as stack:
        for name, person in who.items():
            for family in FAMILIES:
                peer = Peer(api.server, family, document["id"], token=token_of(person), events=True)
                ears[f"{name}/{family}"] = await peer.sync()
                stack.push_async_callback(peer.close)
            ears[f"{name}/stream"] = await stack.enter_async_context(
                listening(person, document["id"], query={"events": "1"})
            )
        ids = await discuss(api, document)
        await hear_the_end(api, document, ears)
        notified: dict[str, set[str]] = {}
        for name, ear in ears.items():
            found = heard_of(told(ear), document)
            assert found.keys() - {"document"} == PUBLIC[name.split("/")[0]], (name, found)
            if "comment" in found:
                assert found["comment"] | found["suggestion"] == ids, name
            notified.setdefault(name.split("/")[0], set()).update(found.get("notification", ()))
            assert "secret" not in json.dumps(told(ear)).lower(), name
        everything = [each for heard in notified.values() for each in heard]
        assert len(everything) == len(set(everything)), "a notification that two people hear of"
        [mention] = [
            one for one in (await api.viewer.get("/notifications")).json()["items"] if one["kind"] == "mention"
        ]
        assert mention["id"] in notified["viewer"]


async def test_each_identity_hears_on_a_page_of_what_it_may_read(api: ApiHarness) -> None:
    document = await make_public(api)
    [outsider] = await people(api.server, "outsider")
    async with AsyncExitStack() as stack:
        roles = ("owner", "admin", "editor", "commenter", "viewer")
        members: dict[str, Peer | Listener | Page] = {
            role: await stack.enter_async_context(page(api.staff[role])) for role in roles
        }
        others = {"outsider": outsider, "guest": api.guest}
        strangers = {name: await stack.enter_async_context(page(who)) for name, who in others.items()}
        ids = await discuss(api, document)
        await hear_the_end(api, document, members)
        notified: set[str] = set()
        for role, ear in members.items():
            found = heard_of(told(ear), document)
            assert found["comment"] | found["suggestion"] == ids, role
            heard = found.get("notification", set())
            assert not heard & notified, f"{role} hears of the notifications of others"
            notified |= heard
        assert notified
        own = (await outsider.post(f"/workspaces/{outsider.personal}/documents", json={"title": "Own"})).json()["id"]
        await strangers["outsider"].receives(("create", "document", own))
        assert {event[2] for event in strangers["outsider"].changes} == {own}
        open_one = await api.make(api.guest, PLAYGROUND)
        await strangers["guest"].receives(("create", "document", open_one["id"]))
        assert {event["workspace_id"] for event in told(strangers["guest"])} == {PLAYGROUND}


async def test_who_may_not_read_a_document_has_no_connection_to_hear_of_it(api: ApiHarness) -> None:
    document = await api.make(content=TEXT)
    peers = [Peer(api.server, family, document["id"], token=api.stranger.token, events=True) for family in FAMILIES]
    for peer in peers:
        await peer.connect()
        await peer.until(lambda peer=peer: peer.denied or not peer.connected, f"a refusal: {peer.unread}")  # type: ignore[misc]
        assert not peer.synced
    await discuss(api, document)
    for who in (api.stranger, api.guest):
        answer = await who.get(f"/documents/{document['id']}/events", params={"events": "1"})
        assert answer.status_code in (401, 404), answer.text
    assert [peer.events for peer in peers] == [[], []]
    for peer in peers:
        await peer.abort()


async def test_who_is_removed_hears_no_more_and_is_left_with_no_title(api: ApiHarness) -> None:
    """Also who was mentioned before."""
    document = await api.make(content=TEXT, title="Secret title")
    [guest] = await people(api.server, "passing")
    member = f"/workspaces/{api.team}/members/{guest.id}"
    await join(api.server, api.team, "viewer", guest)
    async with page(guest) as reader:
        peers = [
            await Peer(api.server, family, document["id"], token=guest.token, events=True).sync() for family in FAMILIES
        ]
        root = await say(api.commenter, document["id"], "Secret", mentions=[guest.id])
        for peer in peers:
            await peer.until(lambda peer=peer: "notification" in heard_of(peer.events, document), "the mention")  # type: ignore[misc]
        assert "Secret title" in (await guest.get("/notifications")).text
        assert (await api.owner.delete(member)).status_code == 204
        for peer in peers:
            await peer.refused()
        before = [len(peer.events) for peer in peers]
        late = await say(api.commenter, document["id"], "Secret too", mentions=[guest.id], parent_id=root["id"])
        assert late["mentions"] == [] and late["unreachable"] == [guest.id]
        own = (await guest.post(f"/workspaces/{guest.personal}/documents", json={"title": "Own"})).json()["id"]
        await reader.receives(("create", "document", own))
        assert late["id"] not in {event[2] for event in reader.changes}
        assert [len(peer.events) for peer in peers] == before
        for path in ("/notifications", "/notifications/unread", "/sync"):
            answer = await guest.get(path)
            assert "secret" not in answer.text.lower(), path
            assert root["id"] not in answer.text and document["id"] not in answer.text, path
        assert (await guest.get("/notifications/unread")).json()["count"] == 0
        for peer in peers:
            await peer.abort()
