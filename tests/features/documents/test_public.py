"""Public documents are everybody's to read, also where guests are not let in; and nothing else is."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from tests.features.api_harness import PLAYGROUND, ApiHarness, open_api, refused
from tests.features.documents.test_settings import FAMILIES
from tests.peers import Family, Peer
from tests.people import nobody

SIGN_IN = (401, "unauthenticated")


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("public"), guest_role="none") as running:
        yield running


async def public(api: ApiHarness) -> tuple[str, str]:
    """(id, address) of a public document with the text `# Open`."""
    made = await api.make(content="# Open", name=f"open-{uuid4()}")
    answer = await api.editor.patch(f"/documents/{made['id']}", json={"is_public": True})
    assert answer.json()["is_public"]
    return made["id"], made["address"]


async def test_everybody_reads_a_public_document(api: ApiHarness) -> None:
    document, _ = await public(api)
    reader = nobody(api.server)
    for answer in (
        await reader.get(f"/documents/{document}"),
        await reader.get("/documents/lookup", params={"address": document}),
    ):
        assert (answer.status_code, answer.json()["role"], answer.json()["created_by"]) == (200, "viewer", None)
    assert (await reader.get(f"/documents/{document}/content")).text == "# Open"
    assert (await reader.get(f"/documents/{document}/export", params={"format": "txt"})).status_code == 200
    assert (await reader.get(f"/documents/{document}/updates")).status_code == 200


async def test_the_discussion_of_a_public_document_is_not_public(api: ApiHarness) -> None:
    document, _ = await public(api)
    edits = {"edits": [{"find": "Open", "replace": "Closed"}]}
    for path, body in (("comments", {"content": "secret"}), ("suggestions", edits)):
        made = await api.editor.post(f"/documents/{document}/{path}", json=body)
        assert made.status_code == 201, made.text
        answer = await nobody(api.server).get(f"/documents/{document}/{path}")
        assert (answer.status_code, answer.json()["items"]) == (200, []), path
        assert refused(await nobody(api.server).get(f"/{path}/{made.json()['id']}")) == SIGN_IN


async def test_everything_else_asks_to_sign_in_whether_it_is_there_or_not(api: ApiHarness) -> None:
    document, _ = await public(api)
    closed = await api.make(content="# Closed", name=f"closed-{uuid4()}")
    reader = nobody(api.server)
    for path in (
        f"/documents/{closed['id']}",
        f"/documents/{closed['id']}/content",
        f"/documents/{uuid4()}",
        f"/documents/lookup?address={closed['address']}",
        f"/documents/lookup?address=@{api.slug}/nothing",
        f"/documents/{document}/presence",
        f"/workspaces/{api.team}/documents",
        f"/workspaces/{PLAYGROUND}/documents",
        "/workspaces",
        "/search?q=Open",
    ):
        assert refused(await reader.get(path)) == SIGN_IN, path
    for changed in (
        await reader.patch(f"/documents/{document}", json={"title": "Theirs"}),
        await reader.put(f"/documents/{document}/content", content="x"),
        await reader.post(f"/documents/{document}/updates", content=b"\0\0"),
        await reader.post(f"/documents/{document}/connect-tokens", json={}),
        await reader.delete(f"/documents/{document}"),
    ):
        assert refused(changed) == SIGN_IN
    async with httpx.AsyncClient(base_url=api.server.api) as client:
        wrong = await client.get(f"/documents/{document}", headers={"authorization": "Bearer wrong"})
    assert refused(wrong) == SIGN_IN, "a wrong token is no reader"


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_socket_reads_a_public_document_and_is_ended_with_its_publicity(
    api: ApiHarness, family: Family
) -> None:
    document, _ = await public(api)
    reader = await Peer(api.server, family, document).sync()
    assert reader.content == "# Open"
    writer = await Peer(api.server, family, document, token=api.editor.token).sync()
    writer.insert("news ")
    await reader.until(lambda: "news" in reader.content, "the edit")
    reader.insert("mine ")
    await writer.saved()
    assert "mine" not in writer.content
    assert (await api.editor.patch(f"/documents/{document}", json={"is_public": False})).status_code == 200
    await reader.refused()
    await reader.close()
    await writer.close()
    for address in (document, f"@{api.slug}/new-{uuid4()}", f"new-{uuid4()}"):
        peer = Peer(api.server, family, address)
        await peer.connect()
        await peer.until(lambda peer=peer: peer.denied or not peer.connected, "a verdict")  # type: ignore[misc]
        if family == "hocus":
            assert peer.denied[0].startswith("unauthenticated"), address
        else:
            assert peer.socket is not None and (await peer.socket.end()).code == 4401, address
        await peer.close()
