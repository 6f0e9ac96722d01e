"""Names and titles that look the same are the same, composed or not, on every way into the server."""

import io
import json
import unicodedata
import zipfile
from pathlib import Path
from typing import Literal
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab_server.adapters import migrations
from collab_server.errors import Malformed
from collab_server.features.documents.addresses import check_name
from tests import databases
from tests.client.devices import device
from tests.features.api_harness import PLAYGROUND, ApiHarness, code
from tests.features.sync.device import push
from tests.peers import Peer


def composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def new_name() -> str:
    return f"Übersicht/Größe {uuid4().hex[:8]} Ế が 한글"


@given(st.text(st.sampled_from("aéÅ\u212b\u0041\u030a\u0301\u0327ếが한ﬁ / \u0958"), min_size=1, max_size=20))
def test_every_spelling_of_a_name_is_one_name(name: str) -> None:
    try:
        given_name = check_name(name)
    except Malformed:
        return
    assert given_name == check_name(composed(name)) == check_name(decomposed(name))
    assert unicodedata.is_normalized("NFC", given_name)


async def test_by_rest_a_name_is_taken_in_every_spelling(api: ApiHarness) -> None:
    name = new_name()
    made = await api.make(name=decomposed(name), title=decomposed(name), tags=[decomposed("Größe")])
    assert (made["name"], made["title"]) == (composed(name), composed(name))
    assert made["tags"][0]["name"] == composed("Größe")
    path = f"/workspaces/{api.team}/documents"
    for spelling in (composed(name), decomposed(name)):
        assert code(await api.editor.post(path, json={"title": "x", "name": spelling})) == "conflict"
        found = await api.editor.get("/documents/lookup", params={"address": f"@{api.slug}/{spelling}"})
        assert found.json()["id"] == made["id"]
    other = await api.make()
    taken = await api.editor.patch(f"/documents/{other['id']}", json={"name": decomposed(name)})
    assert code(taken) == "conflict"
    renamed = await api.editor.patch(f"/documents/{other['id']}", json={"title": decomposed("Café")})
    assert renamed.json()["title"] == composed("Café")


async def test_a_title_that_composing_makes_too_long_is_refused(api: ApiHarness) -> None:
    path = f"/workspaces/{api.team}/documents"
    longest = await api.editor.post(path, json={"title": "\u0958" * 250})
    assert longest.status_code == 201
    for body in (
        {"title": "\u0958" * 251},
        {"title": "x", "name": "\u0958" * 251},
        {"title": "x", "tags": ["\u0958" * 26]},
    ):
        assert code(await api.editor.post(path, json=body)) == "invalid"


@pytest.mark.parametrize("family", ["yws", "hocus"])
async def test_every_spelling_of_a_room_is_one_room(api: ApiHarness, family: Literal["yws", "hocus"]) -> None:
    name = new_name()
    one, other = (
        Peer(api.server, family, f"@{api.slug}/{spelling}", token=api.editor.token)
        for spelling in (composed(name), decomposed(name))
    )
    try:
        await one.sync()
        await other.sync()
        one.insert("typed by one")
        await one.saved()
        await other.until(lambda: str(other.text) == "typed by one", "the edit")
    finally:
        await one.close()
        await other.close()
    assert len([document for document in await api.list() if document["name"] == composed(name)]) == 1


async def test_a_connect_token_opens_its_document_by_every_spelling(api: ApiHarness) -> None:
    name = new_name()
    made = await api.make(name=name)
    answer = await api.editor.post(f"/documents/{made['id']}/connect-tokens", json={"role": "editor"})
    for spelling in (composed(name), decomposed(name)):
        peer = Peer(api.server, "yws", f"@{api.slug}/{spelling}", token=answer.json()["token"])
        try:
            await peer.sync()
        finally:
            await peer.close()


async def test_an_archive_brings_no_second_document_of_a_name(api: ApiHarness) -> None:
    name = new_name()
    await api.make(name=name)
    exported = await api.owner.get(f"/workspaces/{api.team}/export")
    archive = zipfile.ZipFile(io.BytesIO(exported.content))
    told = json.loads(archive.read("manifest.json"))
    (entry,) = [one for one in told["documents"] if one["name"] == name]
    told["documents"] = [{**entry, "name": decomposed(name), "title": decomposed("Größe")}]
    again = io.BytesIO()
    with zipfile.ZipFile(again, "w") as file:
        file.writestr("manifest.json", json.dumps(told))
        for path in archive.namelist():
            if path != "manifest.json":
                file.writestr(path, archive.read(path))
    answer = await api.owner.post(f"/workspaces/{api.team}/import?name=x.zip", content=again.getvalue())
    assert answer.status_code == 200, answer.text
    outcomes = [
        one for one in answer.json()["items"] if one["document"] and one["document"]["title"] == composed("Größe")
    ]
    assert len(outcomes) == 1
    brought = await api.owner.get(f"/documents/{outcomes[0]['document']['id']}")
    assert brought.json()["name"] is None
    assert outcomes[0]["notes"]


async def test_a_device_is_in_no_conflict_over_spellings(api: ApiHarness) -> None:
    made = await api.make(title="Café", tags=["Größe"])
    await api.editor.patch(f"/documents/{made['id']}", json={"description": "moves the version"})
    about = {"document_id": made["id"], "base_version": made["row_version"]}
    (renamed, tagged) = await push(
        api.editor,
        {"kind": "patch", "key": uuid4().hex, **about, "fields": {"title": decomposed("Café")}, "base": {}},
        {"kind": "tag", "key": uuid4().hex, **about, "tags": ["new"], "base": [decomposed("Größe")]},
    )
    assert renamed["conflict"] is None
    assert tagged["conflict"] is None
    name = new_name()
    await api.make(name=name)
    (refused,) = await push(
        api.editor,
        {
            "kind": "create",
            "key": uuid4().hex,
            "document_id": str(uuid4()),
            "workspace_id": api.team,
            "fields": {"title": "x", "name": decomposed(name)},
        },
    )
    assert refused["code"] == "conflict"


async def test_offline_a_document_is_found_by_every_spelling(api: ApiHarness, tmp_path: Path) -> None:
    name = new_name()
    made = await api.make(api.editor, title="Übersicht " + name[-8:], name=name)
    async with device(tmp_path, api.editor) as laptop:
        for spelling in (composed, decomposed):
            assert str(await laptop.find(spelling(name))) == made["id"]
            assert str(await laptop.find(spelling(made["title"]))) == made["id"]
        new = await laptop.create(decomposed("Ähre " + name), "text")
        assert await laptop.find(composed("Ähre " + name)) == new
        await laptop.rename(new, decomposed("Öhre " + name))
        assert await laptop.find(composed("Öhre " + name)) == new
        await laptop.sync()
        stored = (await api.editor.get(f"/documents/{new}")).json()["title"]
        assert stored == composed("Öhre " + name)


@pytest.mark.parametrize("version", databases.VERSIONS)
async def test_names_that_are_stored_already_are_composed(version: databases.Version) -> None:
    async with databases.migrated(version) as database:
        await migrations.downgrade(database.owner_dsn, "0029_index_word_parts")
        conn = await asyncpg.connect(database.owner_dsn)
        try:
            insert = "INSERT INTO documents (workspace_id, name, title, content) VALUES ($1, $2, $3, $3)"
            for name, title in (
                (decomposed("é"), "first"),
                (composed("é"), "second"),
                ("o\u0323\u0302", "third"),
                ("\u1ecd\u0302", "fourth"),
                ("ascii", decomposed("Größe")),
            ):
                await conn.execute(insert, PLAYGROUND, name, title)
            await migrations.upgrade(database.owner_dsn)
            found = {row[0]: row[1] for row in await conn.fetch("SELECT content, name FROM documents")}
            assert found["second"] == composed("é")
            assert found["first"] == composed("é") + "-2"
            assert {found["third"], found["fourth"]} == {"\u1ed9", "\u1ed9-2"}
            assert await conn.fetchval("SELECT title FROM documents WHERE name = 'ascii'") == composed("Größe")
            await conn.execute(insert, PLAYGROUND, decomposed("ü"), decomposed("ü"))
            assert (
                await conn.fetchval("SELECT count(*) FROM documents WHERE name = $1 AND title = $1", composed("ü")) == 1
            )
            with pytest.raises(asyncpg.UniqueViolationError):
                await conn.execute(insert, PLAYGROUND, decomposed("ü"), "again")
        finally:
            await conn.close()
