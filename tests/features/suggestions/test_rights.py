"""Who may do what with suggestions, and who learns of them."""

from uuid import uuid4

import pytest

from tests.features.api_harness import PLAYGROUND, ApiHarness, refused
from tests.features.suggestions.suggesting import (
    accepted,
    content,
    decide,
    listed,
    suggest,
    suggested,
)
from tests.peers import Peer
from tests.people import Person, fetch

MAY = {
    # who: (read, suggest, accept, reject another's)
    "owner": (200, 201, 200, 200),
    "admin": (200, 201, 200, 200),
    "editor": (200, 201, 200, 200),
    "commenter": (200, 201, 403, 403),
    "viewer": (200, 403, 403, 403),
    "stranger": (404, 404, 404, 404),
}


@pytest.mark.parametrize("role", MAY)
async def test_rights_follow_the_table(api: ApiHarness, role: str) -> None:
    made = await api.make(content="one two three\n")
    who = api.staff[role]
    one, two = await suggested(api.other, made, "one", "1"), await suggested(api.other, made, "two", "2")
    reading, writing, accepting, rejecting = MAY[role]
    assert (await who.get(f"/documents/{made['id']}/suggestions")).status_code == reading
    assert (await who.get(f"/suggestions/{one['id']}")).status_code == reading
    assert (await suggest(who, made, {"find": "three", "replace": "3"})).status_code == writing
    assert (await decide(who, one, "accept")).status_code == accepting
    assert (await decide(who, two, "reject")).status_code == rejecting
    path = f"/documents/{made['id']}/suggestions"
    assert (await who.post(f"{path}/accept", json={"ids": [one["id"]]})).status_code == accepting
    assert (await who.post(f"{path}/reject", json={"ids": [two["id"]]})).status_code == rejecting


async def test_readers_of_a_public_document_see_no_suggestions(api: ApiHarness) -> None:
    made = await api.make(content="one two\n")
    assert (await api.editor.patch(f"/documents/{made['id']}", json={"is_public": True})).status_code == 200
    one = await suggested(api.commenter, made, "one", "1")
    assert await listed(api.stranger, made) == []
    assert refused(await api.stranger.get(f"/suggestions/{one['id']}")) == (404, "not_found")
    assert refused(await decide(api.stranger, one, "accept")) == (404, "not_found")
    assert refused(await suggest(api.stranger, made, {"find": "one", "replace": "1"})) == (403, "forbidden")


async def test_guests_and_bearers_of_connect_tokens_suggest(api: ApiHarness) -> None:
    made = await api.make(api.guest, PLAYGROUND, content="one two\n")
    one = await suggested(api.guest, made, "one", "1")
    assert (one["author"]["kind"], one["author"]["id"]) == ("guest", None)
    await accepted(api.guest, one)
    assert await content(api.guest, made) == "1 two\n"
    ours = await api.make(content="one two\n")
    other = await api.make(content="one two\n")
    answer = await api.editor.post(
        f"/documents/{ours['id']}/connect-tokens", json={"role": "commenter", "name": "Visitor"}
    )
    assert answer.status_code == 201, answer.text
    visitor = Person(
        api.server,
        "visitor",
        "",
        uuid4(),
        uuid4(),
        answer.json()["token"],
    )
    two = await suggested(visitor, ours, "two", "2")
    assert (two["author"]["kind"], two["author"]["name"], two["author"]["id"]) == ("app_user", "Visitor", None)
    assert [found["id"] for found in await listed(visitor, ours)] == [two["id"]]
    assert refused(await decide(visitor, two, "accept")) == (403, "forbidden")
    hidden = await suggested(api.commenter, other, "one", "1")
    assert refused(await visitor.get(f"/suggestions/{hidden['id']}")) == (404, "not_found")
    await accepted(api.editor, two)
    blame = (await api.viewer.get(f"/documents/{ours['id']}/blame")).json()
    run = next(run for run in blame["runs"] if run["text"] == "2")
    assert (run["author"]["kind"], run["author"]["name"]) == ("app_user", "Visitor")


async def test_every_change_is_in_the_feed_and_in_the_audit(api: ApiHarness) -> None:
    made = await api.make(content="one two\n")
    one = await suggested(api.commenter, made, "one", "1")
    await accepted(api.editor, one)
    two = await suggested(api.commenter, made, "two", "2")
    await decide(api.commenter, two, "reject")
    three = await suggested(api.commenter, made, "two", "2")
    await api.commenter.delete(f"/suggestions/{three['id']}")
    entries = await fetch(
        api.server,
        "SELECT entity_id::text, operation::text, changed_by::text FROM sync_log "
        "WHERE entity_type = 'suggestion' AND document_id = $1 ORDER BY id",
        made["id"],
    )
    assert [tuple(entry) for entry in entries] == [
        (one["id"], "create", api.commenter.id),
        (one["id"], "update", api.editor.id),
        (two["id"], "create", api.commenter.id),
        (two["id"], "update", api.commenter.id),
        (three["id"], "create", api.commenter.id),
        (three["id"], "delete", api.commenter.id),
    ]
    audit = await fetch(
        api.server,
        "SELECT action, entity_id, actor_id::text FROM activity_log WHERE entity_type = 'suggestion' "
        "AND data ->> 'document_id' = $1 ORDER BY id",
        made["id"],
    )
    assert [(entry["action"], entry["actor_id"]) for entry in audit] == [
        ("create", api.commenter.id),
        ("accept", api.editor.id),
        ("create", api.commenter.id),
        ("reject", api.commenter.id),
        ("create", api.commenter.id),
        ("delete", api.commenter.id),
    ]


async def test_an_open_page_learns_of_a_suggestion(api: ApiHarness) -> None:
    made = await api.make(content="one two\n")
    peer = await Peer(api.server, "yws", made["id"], token=api.viewer.token, events=True).sync()
    one = await suggested(api.commenter, made, "one", "1")
    await peer.until(
        lambda: any(event.get("entity_id") == one["id"] for event in peer.events), "the event of the suggestion"
    )
    event = next(event for event in peer.events if event.get("entity_id") == one["id"])
    assert (event["entity_type"], event["operation"], event["document_id"]) == ("suggestion", "create", made["id"])
    await peer.close()
