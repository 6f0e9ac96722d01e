"""A document whose stored bytes are damaged, as clients, programs and operators meet it."""

from typing import Any
from uuid import UUID

import httpx

from tests import databases, forked
from tests.features.api_harness import ApiHarness, refused
from tests.features.content.test_updates import YJS, written
from tests.features.exports.test_archive import archived, manifest_of
from tests.features.sync.device import pull
from tests.peers import Peer
from tests.people import fetch, run
from tests.waiting import until

DAMAGED = (500, "damaged_document")
FLIP = "UPDATE documents SET yjs_state = set_byte(yjs_state, 9, 255 - get_byte(yjs_state, 9)) WHERE id = $1"


async def damaged(api: ApiHarness) -> dict[str, Any]:
    """A document with a text, one bit pattern of whose snapshot has changed in the database."""
    made = await api.make(title="Broken", content="# Kept\n\nThe stored text.\n")
    await run(api.server, FLIP, [(UUID(made["id"]),)])
    return made


async def command(api: ApiHarness, *arguments: str) -> tuple[int, str]:
    """(exit status, output) of `collab-server`."""
    status, output, _ = await forked.run(*arguments, environment=api.server.environment)
    return status, output.decode()


async def metric(api: ApiHarness, name: str) -> float:
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{api.server.http}/metrics")).text
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith(f"{name} ")))


async def test_the_stored_text_is_read_and_exported_and_the_answer_tells_what_it_is(api: ApiHarness) -> None:
    path = f"/documents/{(await damaged(api))['id']}"
    for form in ("markdown", "json", "text", "html"):
        answer = await api.viewer.get(f"{path}/content", params={"format": form})
        assert answer.status_code == 200 and answer.headers["x-content-damaged"] == "true", answer.text
        assert "The stored text." in answer.text
    for form in ("md", "html", "txt", "json", "docx"):
        answer = await api.viewer.get(f"{path}/export", params={"format": form})
        assert answer.status_code == 200 and answer.headers["x-content-damaged"] == "true", answer.text
    assert refused(await api.viewer.get(f"{path}/content", params={"format": "prosemirror"})) == DAMAGED
    assert refused(await api.viewer.get(f"{path}/export", params={"format": "yjs"})) == DAMAGED
    assert (await api.viewer.get(path)).status_code == 200
    sound = await api.make(content="sound")
    answer = await api.viewer.get(f"/documents/{sound['id']}/content")
    assert answer.text == "sound" and "x-content-damaged" not in answer.headers


async def test_an_archive_holds_the_stored_text_and_notes_the_damage(api: ApiHarness) -> None:
    made = await damaged(api)
    archive = await archived(api.owner, api.team, "md", "yjs")
    entry = next(one for one in manifest_of(archive)["documents"] if one["id"] == made["id"])
    assert entry["damaged"] is True and entry["failed"]["yjs"].startswith("damaged_document: ")
    assert archive.read(entry["files"]["md"]).decode() == "# Kept\n\nThe stored text.\n"


async def test_writing_is_refused_with_the_code_and_is_not_called_the_clients_fault(api: ApiHarness) -> None:
    path = f"/documents/{(made := await damaged(api))['id']}"
    who = api.editor
    assert refused(await who.put(f"{path}/content", json={"content": "new"})) == DAMAGED
    assert refused(await who.post(f"{path}/content/append", json={"content": "new"})) == DAMAGED
    assert refused(await who.post(f"{path}/updates", content=written("x"), headers=YJS)) == DAMAGED
    assert refused(await who.get(f"{path}/updates")) == DAMAGED
    assert refused(await who.get(f"{path}/events")) == DAMAGED
    assert refused(await who.post(f"{path}/duplicate", json={})) == DAMAGED
    [line] = await pull(who, made["id"])
    assert line["code"] == "damaged_document"


async def test_sockets_are_refused_and_other_documents_on_them_are_not(api: ApiHarness) -> None:
    made, sound = await damaged(api), await api.make(content="sound")
    peer = Peer(api.server, "yws", made["id"], token=api.editor.token)
    await peer.connect()
    assert peer.socket is not None
    ended = await peer.socket.end()
    assert ended.code == 1011 and ended.reason.startswith("damaged_document: ")
    other = Peer(api.server, "hocus", made["id"], token=api.editor.token)
    await other.connect()
    await other.until(lambda: other.denied, "a refusal")
    assert other.denied[0].startswith("damaged_document: ") and other.connected
    await other.close()
    reader = await Peer(api.server, "hocus", sound["id"], token=api.editor.token).sync()
    assert reader.content == "sound"
    await reader.close()


async def test_operators_find_it_by_metric_doctor_and_verify(api: ApiHarness) -> None:
    made, sound = await damaged(api), await api.make(content="sound")
    status, output = await command(api, "verify")
    assert status == 1 and f"damaged: {made['id']}: its snapshot does not match its checksum" in output
    assert sound["id"] not in output

    async def counted() -> bool:
        return await metric(api, "collab_damaged_documents") >= 1

    await until(counted, "the metric")
    async with databases.flushing(api.server.owner_dsn):
        status, output = await command(api, "doctor")
    assert status == 1 and f"FAIL  damaged document: {made['id']}: its snapshot" in output
    # The same byte again makes it whole, and the next reading takes the note away.
    await run(api.server, FLIP, [(UUID(made["id"]),)])
    assert await command(api, "verify", "--document", made["id"]) == (0, "1 documents read, 0 damaged\n")
    noted = "SELECT FROM damaged_documents WHERE document_id = $1"
    assert await fetch(api.server, noted, UUID(made["id"])) == []
