"""Suggested changes over HTTP: stored apart from the document, accepted as one edit, never misapplied."""

import asyncio
from uuid import uuid4

import pytest

from tests.core.fragments import Fragment, element, p
from tests.features.api_harness import ApiHarness, refused
from tests.features.suggestions.suggesting import (
    accepted,
    content,
    decide,
    etag_of,
    listed,
    patch,
    read,
    suggest,
    suggested,
    with_nodes,
)
from tests.interop.harness import FAMILIES
from tests.peers import Family, Peer
from tests.people import fetch


async def test_a_suggestion_leaves_the_document_alone_until_it_is_accepted(api: ApiHarness) -> None:
    made = await api.make(content="The draft is here.\n")
    one = await suggested(api.commenter, made, "draft", "final text", message="It is done")
    assert await content(api.viewer, made) == "The draft is here.\n"
    assert (one["status"], one["message"], one["author"]["id"]) == ("open", "It is done", api.commenter.id)
    assert one["author"]["kind"] == "api_client"
    (hunk,) = one["hunks"]
    assert (hunk["start"], hunk["end"], hunk["deleted"], hunk["inserted"]) == (4, 9, "draft", "final text")
    assert hunk["relative_start"] and hunk["relative_end"]
    await patch(api.editor, made, "The", "Here the")
    (found,) = await listed(api.viewer, made)
    assert (found["hunks"][0]["start"], found["hunks"][0]["end"]) == (9, 14)

    done = await accepted(api.editor, one)

    assert await content(api.viewer, made) == "Here the final text is here.\n"
    assert (done["status"], done["decided_by"]["id"]) == ("accepted", api.editor.id)
    assert done["seq"] > 0 and done["decided_at"]
    assert [one["id"] for one in await listed(api.viewer, made, "accepted")] == [done["id"]]
    assert await listed(api.viewer, made) == []


async def test_the_history_credits_the_suggester_with_the_text_and_the_editor_with_the_deletion(
    api: ApiHarness,
) -> None:
    made = await api.make(content="The draft is here.\n")
    one = await suggested(api.commenter, made, "draft", "final")
    await patch(api.other, made, "here", "there")
    done = await accepted(api.editor, one)
    path = f"/documents/{made['id']}"
    blame = (await api.viewer.get(f"{path}/blame")).json()
    by_text = {run["text"]: run["author"]["id"] for run in blame["runs"]}
    assert by_text["final"] == api.commenter.id
    assert next(run for run in blame["runs"] if run["text"] == "final")["seq"] == done["seq"]
    sessions = (await api.viewer.get(f"{path}/history")).json()["items"]
    mine = [one for one in sessions if one["author"]["id"] == api.editor.id]
    assert mine[0]["deleted"] == len("draft")
    theirs = [one for one in sessions if one["author"]["id"] == api.commenter.id]
    assert theirs[0]["inserted"] == len("final")
    # what the editor types is still theirs
    await patch(api.editor, made, "final", "final words")
    blame = (await api.viewer.get(f"{path}/blame")).json()
    assert next(run for run in blame["runs"] if "words" in run["text"])["author"]["id"] == api.editor.id


async def test_accepting_again_and_two_at_once_make_one_edit(api: ApiHarness) -> None:
    made = await api.make(content="one two three\n")
    one = await suggest(api.commenter, made, {"find": "two", "replace": "two and a half"})
    answers = await asyncio.gather(*(decide(who, one.json(), "accept") for who in (api.editor, api.other) * 3))
    assert [answer.status_code for answer in answers] == [200] * 6, [answer.text for answer in answers]
    assert {answer.json()["seq"] for answer in answers} == {answers[0].json()["seq"]}
    assert await content(api.viewer, made) == "one two and a half three\n"
    assert refused(await decide(api.editor, one.json(), "reject")) == (409, "conflict")


@pytest.mark.parametrize("family", FAMILIES)
async def test_people_who_type_meanwhile_lose_nothing(api: ApiHarness, family: Family) -> None:
    made = await api.make(name=f"typing-{family}", content="alpha beta gamma delta\n")
    peers = [await Peer(api.server, kind, made["address"], token=api.editor.token).sync() for kind in FAMILIES]
    one = await suggested(api.commenter, made, "beta", "BETA")
    other = await suggested(api.commenter, made, "gamma", "GAMMA")
    third = await suggest(api.commenter, made, {"at": 5, "insert": " inserted"}, etag=await etag_of(api, made))
    assert third.status_code == 201, third.text

    async def type_on(peer: Peer, letter: str) -> None:
        for _ in range(30):
            peer.insert(letter, 0)
            await peer.saved()

    typing = [asyncio.create_task(type_on(peer, letter)) for peer, letter in zip(peers, "xy", strict=True)]
    await accepted(api.editor, one)
    await accepted(api.editor, other)
    await accepted(api.editor, third.json())
    await asyncio.gather(*typing)
    ending = "alpha inserted BETA GAMMA delta\n"
    for peer in peers:
        await peer.until(lambda peer=peer: len(peer.content) == 60 + len(ending), "everything typed")  # type: ignore[misc]
        assert peer.content.endswith(ending)
        await peer.close()
    assert peers[0].content == peers[1].content == await content(api.viewer, made)


async def test_what_others_have_changed_is_stale_and_changes_nothing(api: ApiHarness) -> None:
    made = await api.make(content="alpha beta gamma\n")
    peer = await Peer(api.server, "yws", made["address"], token=api.editor.token).sync()
    one = await suggested(api.commenter, made, "beta", "BETA")
    two = await suggested(api.commenter, made, "gamma", "GAMMA")
    peer.insert("!", 8)  # within "beta"
    await peer.saved()
    refusal = await decide(api.editor, one, "accept")
    assert refused(refusal) == (409, "stale_suggestion")
    assert await content(api.viewer, made) == "alpha be!ta gamma\n"
    assert (await read(api.viewer, one))["status"] == "stale"
    (row,) = await fetch(api.server, "SELECT status, stale FROM suggestions WHERE id = $1", one["id"])
    assert (row["status"], row["stale"]) == ("stale", [0])
    assert [found["id"] for found in await listed(api.viewer, made)] == [two["id"]]
    (stale,) = await listed(api.viewer, made, "stale")
    assert (stale["id"], stale["hunks"][0]["stale"], stale["hunks"][0]["start"]) == (one["id"], True, None)
    # once it fits again, it is open
    del peer.text[8]
    await peer.saved()
    assert (await read(api.viewer, one))["status"] == "open"
    answer = await api.editor.post(f"/documents/{made['id']}/suggestions/accept", json={})
    assert [result["status"] for result in answer.json()["results"]] == ["accepted", "accepted"], answer.text
    assert await content(api.viewer, made) == "alpha BETA GAMMA\n"
    await peer.close()


async def test_the_same_word_elsewhere_is_not_the_word_that_was_meant(api: ApiHarness) -> None:
    made = await api.make(content="alpha beta gamma\n")
    one = await suggested(api.commenter, made, "beta", "BETA")
    await patch(api.editor, made, "beta", "")
    peer = await Peer(api.server, "yws", made["address"], token=api.editor.token).sync()
    peer.insert("beta ", 0)
    await peer.saved()
    assert refused(await decide(api.editor, one, "accept")) == (409, "stale_suggestion")
    assert await content(api.viewer, made) == "beta alpha  gamma\n"
    await peer.close()


async def test_a_restore_brings_a_suggestion_back(api: ApiHarness) -> None:
    made = await api.make(content="alpha beta gamma\n")
    one = await suggested(api.commenter, made, "beta", "BETA")
    version = await api.editor.post(f"/documents/{made['id']}/versions", json={})
    assert version.status_code == 201, version.text
    await patch(api.editor, made, "beta ", "")
    assert (await read(api.viewer, one))["status"] == "stale"
    path = f"/documents/{made['id']}/versions/{version.json()['number']}/restore"
    assert (await api.editor.post(path)).status_code == 200
    assert (await read(api.viewer, one))["status"] == "open"
    await accepted(api.editor, one)
    assert await content(api.viewer, made) == "alpha BETA gamma\n"


async def test_all_are_decided_with_a_result_for_each(api: ApiHarness) -> None:
    made = await api.make(content="one two three four\n")
    first = await suggested(api.commenter, made, "one", "1")
    conflicting = await suggested(api.other, made, "one", "first")
    last = await suggested(api.commenter, made, "four", "4")
    path = f"/documents/{made['id']}/suggestions"
    nowhere = str(uuid4())
    named = await api.editor.post(f"{path}/accept", json={"ids": [nowhere]})
    assert [result["code"] for result in named.json()["results"]] == ["not_found"]
    answer = await api.editor.post(f"{path}/accept", json={})
    assert answer.status_code == 200, answer.text
    results = {result["id"]: result for result in answer.json()["results"]}
    assert [results[one["id"]]["status"] for one in (first, last)] == ["accepted", "accepted"]
    assert results[conflicting["id"]]["code"] == "stale_suggestion"
    assert await content(api.viewer, made) == "1 two three 4\n"
    answer = await api.editor.post(f"{path}/reject", json={})
    assert [result["status"] for result in answer.json()["results"]] == ["rejected"]
    assert await listed(api.viewer, made) == await listed(api.viewer, made, "stale") == []
    assert [one["id"] for one in await listed(api.viewer, made, "rejected")] == [conflicting["id"]]


async def test_hunks_are_decided_one_by_one(api: ApiHarness) -> None:
    made = await api.make(content="one two three four\n")
    answer = await suggest(api.commenter, made, content="1 two 3 4\n")
    assert answer.status_code == 201, answer.text
    one = answer.json()
    assert [(hunk["deleted"], hunk["inserted"]) for hunk in one["hunks"]] == [
        ("one", "1"),
        ("three", "3"),
        ("four", "4"),
    ]
    partly = await accepted(api.editor, one, [1])
    assert [hunk["status"] for hunk in partly["hunks"]] == ["open", "accepted", "open"]
    assert partly["status"] == "open"
    assert await content(api.viewer, made) == "one two 3 four\n"
    assert (await accepted(api.editor, one, [1]))["seq"] == partly["seq"]
    answer = await decide(api.commenter, one, "reject", [0])
    assert [hunk["status"] for hunk in answer.json()["hunks"]] == ["rejected", "accepted", "open"]
    assert refused(await decide(api.editor, one, "accept", [0, 2])) == (409, "conflict")
    assert refused(await decide(api.editor, one, "accept", [3])) == (422, "unprocessable")
    done = await accepted(api.editor, one)
    assert (done["status"], await content(api.viewer, made)) == ("accepted", "one two 3 4\n")


async def test_one_stale_hunk_holds_back_the_whole_suggestion(api: ApiHarness) -> None:
    made = await api.make(content="one two three\n")
    one = (await suggest(api.commenter, made, content="1 two 3\n")).json()
    await patch(api.editor, made, "three", "four")
    assert refused(await decide(api.editor, one, "accept")) == (409, "stale_suggestion")
    assert await content(api.viewer, made) == "one two four\n"
    await accepted(api.editor, one, [0])
    assert await content(api.viewer, made) == "1 two four\n"


async def test_an_insertion_goes_between_its_neighbours(api: ApiHarness) -> None:
    made = await api.make(content="one two\n")
    tag = await etag_of(api, made)
    one, two = [
        (await suggest(api.commenter, made, {"at": 4, "insert": text}, etag=tag)).json() for text in ("A ", "B ")
    ]
    peer = await Peer(api.server, "yws", made["address"], token=api.editor.token).sync()
    peer.insert("typed ", 4)
    await peer.saved()
    await accepted(api.editor, one)
    assert await content(api.viewer, made) == "one A typed two\n"
    await patch(api.editor, made, "one ", "")
    await accepted(api.editor, two)
    assert await content(api.viewer, made) == "A typed B two\n"
    await peer.close()


async def test_a_suggestion_that_changes_nothing_or_finds_nothing_is_refused(api: ApiHarness) -> None:
    made = await api.make(content="one two two\n")
    assert refused(await suggest(api.commenter, made, {"find": "one", "replace": "one"})) == (422, "unprocessable")
    assert refused(await suggest(api.commenter, made, content="one two two\n")) == (422, "unprocessable")
    assert refused(await suggest(api.commenter, made, {"find": "three", "replace": "3"})) == (409, "conflict")
    assert refused(await suggest(api.commenter, made, {"find": "two", "replace": "3"})) == (409, "conflict")
    assert refused(await suggest(api.commenter, made, {"at": 0, "insert": "3"})) == (422, "unprocessable")
    both = await suggest(api.commenter, made, {"find": "one", "replace": "1"}, content="x")
    assert both.status_code == 422
    assert await listed(api.viewer, made) == []


async def test_a_client_that_repeats_its_request_makes_one_suggestion(api: ApiHarness) -> None:
    made = await api.make(content="one two\n")
    own = str(uuid4())
    first = await suggested(api.commenter, made, "one", "1", id=own)
    await accepted(api.editor, first)
    again = await suggested(api.commenter, made, "one", "1", id=own)
    assert (again["id"], again["status"]) == (own, "accepted")
    answer = await suggest(api.other, made, {"find": "two", "replace": "2"}, id=own)
    assert refused(answer) == (409, "conflict")
    elsewhere = await api.make(content="one two\n")
    assert refused(await suggest(api.commenter, elsewhere, {"find": "two", "replace": "2"}, id=own)) == (
        409,
        "conflict",
    )


async def test_its_author_changes_and_withdraws_it(api: ApiHarness) -> None:
    made = await api.make(content="one two\n")
    one = await suggested(api.commenter, made, "one", "1")
    path = f"/suggestions/{one['id']}"
    assert refused(await api.editor.patch(path, json={"message": "x"})) == (403, "forbidden")
    assert refused(await api.editor.delete(path)) == (403, "forbidden")
    answer = await api.commenter.patch(path, json={"message": "why", "edits": [{"find": "two", "replace": "2"}]})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["message"], answer.json()["hunks"][0]["deleted"]) == ("why", "two")
    assert answer.json()["row_version"] > one["row_version"]
    assert (await api.commenter.delete(path)).status_code == 204
    assert refused(await api.commenter.get(path)) == (404, "not_found")
    two = await suggested(api.commenter, made, "one", "1")
    await accepted(api.editor, two)
    assert refused(await api.commenter.patch(f"/suggestions/{two['id']}", json={"message": "x"})) == (409, "conflict")
    assert refused(await api.commenter.delete(f"/suggestions/{two['id']}")) == (409, "conflict")


async def test_suggestions_in_a_document_of_nodes(api: ApiHarness) -> None:
    made = await with_nodes(api, Fragment(element("heading", "Plan", level=1), p("one two three"), p("last")))
    word = await suggested(api.commenter, made, "two", "**2**")
    block = await suggested(api.commenter, made, "\n\nlast", "\n\nlast\n\n- item")
    heading = await suggested(api.commenter, made, "# Plan", "## Plan")
    stale = await suggested(api.commenter, made, "three", "3")
    await patch(api.editor, made, "three", "thr ee")
    await patch(api.editor, made, "one", "One more")
    assert {one["id"]: one["status"] for one in await listed(api.viewer, made)} == {
        one["id"]: "open" for one in (word, block, heading)
    }
    await accepted(api.editor, word)
    assert await content(api.viewer, made) == "# Plan\n\nOne more **2** thr ee\n\nlast"
    await accepted(api.editor, block)
    await accepted(api.editor, heading)
    assert refused(await decide(api.editor, stale, "accept")) == (409, "stale_suggestion")
    assert await content(api.viewer, made) == "## Plan\n\nOne more **2** thr ee\n\nlast\n\n- item"
    blame = (await api.viewer.get(f"/documents/{made['id']}/blame")).json()
    assert next(run for run in blame["runs"] if "item" in run["text"])["author"]["id"] == api.commenter.id


async def test_a_moved_document_takes_its_suggestions_along_and_a_deleted_one_hides_them(api: ApiHarness) -> None:
    made = await api.make(api.owner, content="one two\n")
    one = await suggested(api.commenter, made, "one", "1")
    answer = await api.owner.post(f"/documents/{made['id']}/move", json={"workspace_id": api.owner.personal})
    assert answer.status_code == 200, answer.text
    assert refused(await api.commenter.get(f"/suggestions/{one['id']}")) == (404, "not_found")
    assert (await read(api.owner, one))["status"] == "open"
    assert (await api.owner.delete(f"/documents/{made['id']}")).status_code == 204
    assert refused(await api.owner.get(f"/suggestions/{one['id']}")) == (404, "not_found")
    assert refused(await decide(api.owner, one, "accept")) == (404, "not_found")
    assert (await api.owner.post(f"/documents/{made['id']}/restore")).status_code == 200
    await accepted(api.owner, one)
    assert await content(api.owner, made) == "1 two\n"


async def test_a_replaced_document_keeps_its_suggestions(api: ApiHarness) -> None:
    made = await api.make()
    peer = await Peer(api.server, "yws", made["id"], token=api.editor.token).sync()
    peer.insert("alpha beta gamma " + "x" * 1500)
    await peer.saved()
    one = await suggested(api.commenter, made, "beta", "BETA")
    stale = await suggested(api.commenter, made, "gamma", "GAMMA")
    for index in range(len(peer.text) - 1, 18, -2):
        del peer.text[index]
    del peer.text[12]
    await peer.saved()
    answer = await api.owner.post(f"/documents/{made['id']}/compact-history")
    assert answer.status_code == 200, answer.text
    found = await read(api.viewer, one)
    assert (found["status"], found["generation"], found["row_version"]) == ("open", 1, one["row_version"])
    assert refused(await decide(api.editor, stale, "accept")) == (409, "stale_suggestion")
    await accepted(api.editor, one)
    assert (await content(api.viewer, made)).startswith("alpha BETA gmma ")
    await peer.close()
