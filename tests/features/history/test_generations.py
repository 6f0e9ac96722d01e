"""A document that is replaced by a fresh copy: it keeps content and authors, and nobody's unsent edits are lost."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from pycrdt import Doc, Text

from tests.features.api_harness import ApiHarness, code, open_api
from tests.peers import Family, Peer
from tests.people import Person, fetch
from tests.waiting import until

YJS = {"content-type": "application/octet-stream"}
FAMILIES: tuple[Family, ...] = ("yws", "hocus")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("generations")) as running:
        yield running


async def overwritten(api: ApiHarness, person: Person) -> tuple[dict[str, Any], Peer]:
    """A document of little text and many deletions, and a peer that has it open."""
    made = await api.make()
    peer = await Peer(api.server, "yws", made["id"], token=person.token).sync()
    for number in range(60):
        peer.insert(f"word{number} ", 0)
    await peer.saved()
    # Each deletion leaves a gap between others, so that the deletions cannot be joined.
    for index in range(len(peer.text) - 2, 12, -2):
        del peer.text[index]
    await peer.saved()
    return made, peer


def scribble_in(text: Text) -> None:
    """Writes a text and deletes every second character: deletions between characters cannot be joined."""
    text.insert(0, "x" * 1500)
    for index in range(1499, 0, -2):
        del text[index]


async def compact(api: ApiHarness, document: dict[str, Any]) -> dict[str, Any]:
    answer = await api.owner.post(f"/documents/{document['id']}/compact-history")
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


async def content(api: ApiHarness, document: dict[str, Any]) -> str:
    return (await api.viewer.get(f"/documents/{document['id']}/content")).text


async def hand_over(api: ApiHarness, peer: Peer, person: Person, generation: int) -> dict[str, Any]:
    answer = await person.post(
        f"/documents/{peer.name}/updates",
        params={"generation": generation},
        content=peer.doc.get_update(),
        headers=YJS,
    )
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


async def test_a_copy_has_the_content_and_the_authors_and_weighs_less(api: ApiHarness) -> None:
    made, peer = await overwritten(api, api.editor)
    other = await Peer(api.server, "hocus", made["id"], token=api.other.token).sync()
    other.insert(" by another", len(other.text))
    await other.saved()
    before = await content(api, made)
    path = f"/documents/{made['id']}"
    blame = (await api.viewer.get(f"{path}/blame")).json()
    seq = blame["seq"]

    done = await compact(api, made)

    assert done["generation"] == 1
    assert done["bytes_after"] * 2 <= done["bytes_before"]
    assert await content(api, made) == before
    after = (await api.viewer.get(f"{path}/blame")).json()
    assert [(run["text"], run["author"]["id"]) for run in _joined(after)] == [
        (run["text"], run["author"]["id"]) for run in _joined(blame)
    ]
    assert {run["author"]["id"] for run in after["runs"]} == {api.editor.id, api.other.id}
    fresh = await Peer(api.server, "yws", made["id"], token=api.editor.token).sync()
    assert fresh.content == before
    # The former generation is still in the history.
    earlier = await api.viewer.get(f"{path}/at", params={"seq": seq - 1})
    assert earlier.headers["x-document-seq"] == str(seq - 1)
    assert " by another" not in earlier.text
    assert (await api.viewer.get(f"{path}/blame", params={"seq": seq})).json()["runs"] == blame["runs"]
    fresh.insert("!")
    await fresh.saved()
    assert (await api.viewer.get(f"{path}/at", params={"seq": done["seq"]})).text == before
    for one in (peer, other, fresh):
        await one.close()


def _joined(blame: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs of a blame, neighbours of one author as one."""
    runs: list[dict[str, Any]] = []
    for run in blame["runs"]:
        if runs and runs[-1]["author"]["id"] == run["author"]["id"]:
            runs[-1]["text"] += run["text"]
        else:
            runs.append(dict(run))
    return runs


async def test_a_version_of_a_former_generation_is_restored(api: ApiHarness) -> None:
    made, peer = await overwritten(api, api.editor)
    before = await content(api, made)
    path = f"/documents/{made['id']}"
    version = (await api.editor.post(f"{path}/versions", json={})).json()["number"]
    await compact(api, made)
    await peer.close()
    changed = await api.editor.put(f"{path}/content", content="New words", headers={"content-type": "text/markdown"})
    assert changed.is_success, changed.text
    answer = await api.editor.post(f"{path}/versions/{version}/restore")
    assert (answer.status_code, answer.json()["changed"]) == (200, True), answer.text
    assert await content(api, made) == before
    undone = await api.editor.post(f"{path}/versions/{answer.json()['version']}/restore")
    assert undone.status_code == 200, undone.text
    assert await content(api, made) == "New words"


async def test_open_editors_are_told_and_copies_of_the_former_generation_stay_out(api: ApiHarness) -> None:
    made, first = await overwritten(api, api.editor)
    second = await Peer(api.server, "hocus", made["id"], token=api.other.token).sync()
    before = await content(api, made)
    await compact(api, made)
    for peer in (first, second):
        await peer.refused()
    assert first.socket is not None
    assert (await first.socket.end()).code == 4409
    assert second.closes == ["stale_generation: The document was replaced; reload it"]
    # A client that knows nothing of generations connects again with its copy, and what it typed meanwhile.
    for peer in (first, second):
        peer.insert("would be there twice")
        peer.closes.clear()
        await peer.connect()
        await peer.refused()
        await peer.close()
    assert second.closes[-1].startswith("stale_generation: this copy is of a former generation")
    assert await content(api, made) == before


@pytest.mark.parametrize("family", FAMILIES)
async def test_unsent_edits_are_carried_over_once(api: ApiHarness, family: Family) -> None:
    made, away = await overwritten(api, api.editor)
    there = await Peer(api.server, family, made["id"], token=api.other.token).sync()
    await away.close()
    away.insert("unsent ", 0)
    del away.text[len(away.text) - 3 : len(away.text)]
    wanted = away.content
    await compact(api, made)
    fresh = await Peer(api.server, family, made["id"], token=api.other.token).sync()
    fresh.insert("since ", 0)
    await fresh.saved()
    for _ in range(2):
        done = await hand_over(api, away, api.editor, 0)
        assert done["generation"] == 1
    assert await content(api, made) in (f"since {wanted}", f"unsent since {wanted.removeprefix('unsent ')}")
    [entry] = await fetch(
        api.server, "SELECT count(*) AS n FROM document_generations WHERE document_id = $1", UUID(made["id"])
    )
    assert entry["n"] == 1
    blame = (await api.viewer.get(f"/documents/{made['id']}/blame")).json()
    assert {run["author"]["id"] for run in blame["runs"] if "unsent" in run["text"]} == {api.editor.id}
    await there.close()
    await fresh.close()


async def test_edits_pass_through_two_generations(api: ApiHarness) -> None:
    made, away = await overwritten(api, api.editor)
    await away.close()
    away.insert("unsent ", 0)
    await compact(api, made)
    again = await Peer(api.server, "yws", made["id"], token=api.other.token).sync()
    scribble_in(again.text)
    await again.saved()
    assert (await compact(api, made))["generation"] == 2
    assert (await hand_over(api, away, api.editor, 0))["generation"] == 2
    assert (await content(api, made)).count("unsent ") == 1
    unknown = await api.editor.post(
        f"/documents/{made['id']}/updates", params={"generation": 7}, content=away.doc.get_update(), headers=YJS
    )
    assert code(unknown) == "stale_generation"
    await again.close()


async def test_a_copy_that_names_another_generation_than_its_own_is_refused(api: ApiHarness) -> None:
    made, peer = await overwritten(api, api.editor)
    await peer.close()
    await compact(api, made)
    again = await Peer(api.server, "yws", made["id"], token=api.other.token).sync()
    scribble_in(again.text)
    await again.saved()
    before = await content(api, made)
    for present in (1, 2):
        # It is a copy of generation 1, which is the present one first, and a former one then.
        answer = await api.other.post(
            f"/documents/{made['id']}/updates", params={"generation": 0}, content=again.doc.get_update(), headers=YJS
        )
        assert code(answer) == "stale_generation"
        if present == 1:
            await compact(api, made)
    assert await content(api, made) == before
    await again.close()


async def test_an_update_of_a_former_copy_without_a_generation_is_refused(api: ApiHarness) -> None:
    made, peer = await overwritten(api, api.editor)
    await compact(api, made)
    await peer.refused()
    answer = await api.editor.post(f"/documents/{made['id']}/updates", content=peer.doc.get_update(), headers=YJS)
    assert code(answer) == "stale_generation"
    await peer.close()


async def test_a_text_that_was_read_before_is_a_base_only_if_it_is_still_there(api: ApiHarness) -> None:
    made, peer = await overwritten(api, api.editor)
    path = f"/documents/{made['id']}/content"

    async def put(read: httpx.Response, text: str) -> httpx.Response:
        headers = {"if-match": read.headers["etag"], "content-type": "text/markdown"}
        return await api.editor.put(path, content=text, headers=headers)

    former = await api.editor.get(path)
    peer.insert("typed since ", 0)
    await peer.saved()
    last = await api.editor.get(path)
    await compact(api, made)
    # The clocks of the former generation say nothing of what is newer than a text.
    assert code(await put(former, f"First {former.text}")) == "base_unknown"
    answer = await put(last, f"First {last.text}")
    assert answer.status_code == 200, answer.text
    assert await content(api, made) == f"First {last.text}"
    await peer.close()


async def test_little_to_gain_is_refused_and_only_administrators_may(api: ApiHarness) -> None:
    made = await api.make()
    written = await api.editor.post(f"/documents/{made['id']}/content/append", json={"content": "A text"})
    assert written.is_success, written.text
    answer = await api.owner.post(f"/documents/{made['id']}/compact-history")
    assert code(answer) == "conflict"
    assert "weigh less" in answer.json()["detail"]
    for person, status in ((api.other, 403), (api.viewer, 403), (api.stranger, 404), (api.admin, 409)):
        assert (await person.post(f"/documents/{made['id']}/compact-history")).status_code == status
    [row] = await fetch(api.server, "SELECT generation FROM documents WHERE id = $1", UUID(made["id"]))
    assert row["generation"] == 0


async def test_nothing_is_lost_or_doubled_while_people_type_and_the_document_is_replaced(api: ApiHarness) -> None:
    made, first = await overwritten(api, api.editor)
    await first.close()
    people = (api.editor, api.other, api.admin)
    stop = asyncio.Event()
    typed: set[bytes] = set()
    generations = 1

    async def open_copy(person: Person, family: Family, author: str) -> tuple[int, Peer]:
        """A peer, and the generation that its copy is of."""
        peer = Peer(api.server, family, made["id"], token=person.token, author=author, events=True)
        await peer.sync()
        assert peer.generation is not None
        return peer.generation, peer

    async def write(person: Person, family: Family, author: str) -> None:
        peer: Peer | None = None
        generation, number = 0, 0
        while not stop.is_set():
            if peer is None:
                generation, peer = await open_copy(person, family, author)
                continue
            mark = f"<{author}.{number}>"
            number += 1
            typed.add(mark.encode())
            peer.insert(mark)
            await peer.until(lambda one=peer: not one.unacknowledged or one.closes or not one.connected)  # type: ignore[misc]
            if peer.closes or not peer.connected:
                await hand_over(api, peer, person, generation)
                await peer.close()
                peer = None
        if peer is not None:
            await peer.close()
            await hand_over(api, peer, person, generation)

    async def scribble_by_request() -> None:
        got = await api.owner.get(f"/documents/{made['id']}/updates")
        doc = Doc[Any]()
        doc.apply_update(got.content)
        before = doc.get_state()
        scribble_in(doc.get("content", type=Text))
        answer = await api.owner.post(
            f"/documents/{made['id']}/updates",
            params={"generation": got.headers["x-generation"]},
            content=doc.get_update(before),
            headers=YJS,
        )
        assert answer.status_code == 200, answer.text

    async def replace() -> None:
        nonlocal generations
        for _ in range(4):
            await asyncio.sleep(0)
            await scribble_by_request()
            done = await api.owner.post(f"/documents/{made['id']}/compact-history")
            assert done.status_code in (200, 409), done.text
            generations += done.status_code == 200
        stop.set()

    async with asyncio.TaskGroup() as tasks:
        for number, person in enumerate(people):
            tasks.create_task(write(person, FAMILIES[number % 2], f"p{number}"))
        tasks.create_task(replace())
    assert generations > 1
    text = (await content(api, made)).encode()
    assert sorted(mark for mark in typed if text.count(mark) != 1) == []


async def test_requests_meanwhile_are_made_in_the_new_generation(api: ApiHarness) -> None:
    made, peer = await overwritten(api, api.editor)

    async def append(number: int) -> None:
        answer = await api.editor.post(
            f"/documents/{made['id']}/content/append",
            json={"content": f"<r.{number}>"},
        )
        assert answer.is_success, answer.text

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(compact(api, made))
        for number in range(12):
            tasks.create_task(append(number))

    async def has_all() -> bool:
        text = await content(api, made)
        return all(text.count(f"<r.{number}>") == 1 for number in range(12))

    await until(has_all, "all edits")
    await peer.close()
