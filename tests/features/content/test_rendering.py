"""Rendered documents over HTTP: what is kept of them, and what is refused."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import httpx
import pytest

from collab_server.features.content.rendering import MAX_BYTES
from tests.peers import Peer
from tests.server import Server


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("rendering")) as running:
        yield running


@pytest.fixture
async def guest(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.api, timeout=60) as client:
        yield client


async def written(server: Server, text: str) -> tuple[Peer, str]:
    """Somebody who is in a new document with this text, and the path of its content."""
    name = f"rendered-{uuid4()}"
    peer = await Peer(server, "yws", name).sync()
    peer.insert(text)
    await peer.saved()
    return peer, f"/documents/{(await server.document(name))['id']}/content"


async def test_a_page_is_kept_until_the_text_changes(server: Server, guest: httpx.AsyncClient) -> None:
    peer, path = await written(server, "# Plan\n\n<script>alert(1)</script>\n")
    first = await guest.get(path, headers={"accept": "text/html,application/xhtml+xml"})
    assert first.status_code == 200
    assert first.headers["content-type"] == "text/html; charset=utf-8"
    assert first.text == "<h1>Plan</h1>\n<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"
    (policy,) = first.headers.get_list("content-security-policy")
    assert policy.startswith("sandbox; default-src 'none';")
    document = path.split("/")[2]
    conn = await asyncpg.connect(server.owner_dsn)
    try:
        # Only what is kept can say this.
        await conn.execute("UPDATE document_renders SET body = 'kept' WHERE document_id = $1", document)
        assert (await guest.get(path, headers={"accept": "text/html"})).text == "kept"
        not_modified = await guest.get(path, headers={"accept": "text/html", "if-none-match": first.headers["etag"]})
        assert not_modified.status_code == 304
        plain = await guest.get(path, headers={"accept": "text/plain", "if-none-match": first.headers["etag"]})
        assert plain.text == "Plan\n<script>alert(1)</script>\n"
        peer.insert("more ")
        await peer.saved()
        changed = await guest.get(path, headers={"accept": "text/html"})
        assert "more" in changed.text
        assert changed.headers["etag"] != first.headers["etag"]
        rows = await conn.fetch("SELECT format FROM document_renders WHERE document_id = $1 ORDER BY 1", document)
        assert [row[0] for row in rows] == ["html", "text"]
    finally:
        await conn.close()
        await peer.close()


async def test_markdown_stays_what_is_answered_by_default(server: Server, guest: httpx.AsyncClient) -> None:
    peer, path = await written(server, "# *x*")
    await peer.close()
    for accept in ("*/*", "text/markdown", "text/markdown, text/html"):
        answer = await guest.get(path, headers={"accept": accept})
        assert (answer.text, answer.headers["content-type"]) == ("# *x*", "text/markdown; charset=utf-8")
        assert "sandbox" not in answer.headers["content-security-policy"]


async def test_a_failed_rendering_is_remembered(server: Server, guest: httpx.AsyncClient) -> None:
    peer, path = await written(server, "![" * 300_000)
    await peer.close()
    for longest in (30.0, 1.5):
        answer = await guest.get(path, headers={"accept": "text/html"}, timeout=longest)
        assert (answer.status_code, answer.json()["code"]) == (422, "too_much_work")
    assert (await guest.get(path)).status_code == 200


async def test_a_text_above_the_bound_is_a_problem(server: Server, guest: httpx.AsyncClient) -> None:
    peer, path = await written(server, "x" * (MAX_BYTES + 1))
    await peer.close()
    answer = await guest.get(path, headers={"accept": "text/html"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert len((await guest.get(path)).text) == MAX_BYTES + 1
