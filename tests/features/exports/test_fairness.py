"""Heavy requests of one person, beside which everybody else's go on."""

import asyncio
import base64
import io
import os
import random
import re
import resource
import socket
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from collab_server.adapters.conversion.spool import Spool
from collab_server.core.markdown.editor_schema import detect_schema
from collab_server.core.markdown.parsing_cost import MAX_COST, parsing_cost
from collab_server.core.markdown.reader import read_markdown
from collab_server.core.prosemirror.nodes import Node
from collab_server.errors import Malformed, TooLarge, TooMuchWork
from collab_server.features.exports import blocks, docx_file
from collab_server.features.imports import api as imports_api
from collab_server.features.imports import docx_reader, html_reader, parsing
from tests.core.fragments import Fragment, p
from tests.features.api_harness import PLAYGROUND, ApiHarness, refused
from tests.features.exports.test_archive import space
from tests.features.imports.test_importing import WHEN, zipped
from tests.peers import Peer
from tests.people import Person
from tests.server import Server

MARKDOWN = {"content-type": "text/markdown"}


async def gauge(server: Server, name: str) -> int:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{server.http}/metrics")
    found = re.search(rf"^collab_{name}(?:\{{[^}}]*\}})? ([0-9.e+]+)$", answer.text, re.MULTILINE)
    assert found, answer.text
    return int(float(found[1]))


async def until_gauge(server: Server, name: str, holds: Callable[[int], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds(await gauge(server, name)):
            pass


def prose(size: int) -> str:
    chosen = random.Random(1)
    words = ["the", "house", "of", "*some*", "green", "`trees`", "and", "[more](https://example.org)", "words"]
    paragraphs = (" ".join(chosen.choices(words, k=60)) for _ in range(size // 360))
    return "\n\n".join(paragraphs)[:size]


async def nodes_of_a_guest(api: ApiHarness) -> str:
    """The path of the content of a document of nodes that a guest has made."""
    made = await api.make(api.guest, PLAYGROUND)
    answer = await api.guest.post(
        f"/documents/{made['id']}/updates",
        content=Fragment(p("nodes")).update,
        headers={"content-type": "application/octet-stream"},
    )
    assert answer.status_code == 200, answer.text
    return f"/documents/{made['id']}/content"


async def test_a_strangers_large_update_does_not_wait_for_a_guests_markdown(api: ApiHarness) -> None:
    path = await nodes_of_a_guest(api)
    brackets = await api.guest.put(path, content="![" * 300_000, headers=MARKDOWN)
    assert refused(brackets) == (422, "too_much_work")
    stranger = await Peer(api.server, "yws", (await api.make())["address"], token=api.editor.token).sync()
    stranger.insert("x" * 20_000)
    await stranger.saved()  # whose worker runs now
    heavy = asyncio.create_task(api.guest.put(path, content=prose(500_000), headers=MARKDOWN))
    await until_gauge(api.server, "edits_running", lambda running: running == 1)
    stranger.insert("y" * 20_000)
    await stranger.saved()
    put = asyncio.create_task(api.editor.post(f"/workspaces/{api.team}/documents", json={"title": "T", "content": "x"}))
    assert (await put).status_code == 201
    assert await gauge(api.server, "edits_running") == 1
    assert not heavy.done()
    heavy.cancel()
    await stranger.close()


@asynccontextmanager
async def unread(who: Person, path: str) -> AsyncIterator[None]:
    """A GET of which the client reads the head and no more."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    url = httpx.URL(who.server.http)
    try:
        await loop.sock_connect(client, (url.host, url.port))
        head = f"GET /api/v1{path} HTTP/1.1\r\nhost: {url.netloc.decode()}\r\nauthorization: Bearer {who.token}\r\n\r\n"
        await loop.sock_sendall(client, head.encode())
        assert (await loop.sock_recv(client, 12)) == b"HTTP/1.1 200"
        yield
    finally:
        client.close()


async def test_exports_that_nobody_reads_hold_up_no_other_export_or_import(api: ApiHarness) -> None:
    noise = base64.b64encode(os.urandom(3_000_000)).decode()
    large = []
    for who in (api.owner, api.admin):
        home = await space(who)
        # The kernel keeps up to 4 MB of what nobody reads (tcp_wmem): the archives are larger.
        for _ in range(2):
            await api.make(who, home, content=noise)
        large.append((who, f"/workspaces/{home}/export?format=md"))
    home = await space(api.editor)
    async with unread(*large[0]), unread(*large[1]):
        again = await api.owner.get(large[0][1])
        assert refused(again) == (429, "too_many")
        assert int(again.headers["retry-after"]) > 0
        exported = await api.editor.get(f"/workspaces/{home}/export")
        assert exported.status_code == 200
        path = f"/workspaces/{home}/import?name=x.zip"
        assert (await api.editor.post(path, content=zipped({"a.md": "x"}))).json()["created"] == 1
        assert await gauge(api.server, "spool_bytes") > 5_000_000
    await until_gauge(api.server, "spool_bytes", lambda held: held == 0)
    whole = await api.owner.get(large[0][1])
    assert zipfile.ZipFile(io.BytesIO(whole.content)).testzip() is None
    assert await gauge(api.server, "spool_bytes") == 0


async def test_an_aborted_upload_leaves_the_spool_empty(api: ApiHarness) -> None:
    url = httpx.URL(api.server.http)
    _, writer = await asyncio.open_connection(url.host, url.port)
    head = (
        f"POST /api/v1/workspaces/{api.team}/import?name=x.md HTTP/1.1\r\nhost: {url.netloc.decode()}\r\n"
        f"authorization: Bearer {api.editor.token}\r\ncontent-length: 3000000\r\n\r\n"
    )
    writer.write(head.encode() + bytes(2_000_000))
    await until_gauge(api.server, "spool_bytes", lambda held: held == 2_000_000)
    writer.transport.abort()
    await until_gauge(api.server, "spool_bytes", lambda held: held == 0)


def upload(pieces: int, *, head: bool) -> tuple[Request, list[int]]:
    """A request with a body of so many megabytes, and how many of them were read."""
    read = [0]

    async def receive() -> dict[str, Any]:
        read[0] += 1
        return {"type": "http.request", "body": bytes(1_000_000), "more_body": read[0] < pieces}

    headers = [(b"content-length", b"%d" % (pieces * 1_000_000))] if head else []
    return Request({"type": "http", "headers": headers}, receive), read


async def test_a_file_above_its_limit_is_refused_before_it_is_in_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    spool = Spool(4_000_000_000)
    most = parsing.MOST_BYTES["txt"]
    for head in (True, False):
        with spool.open() as one, spool.open() as two, spool.open() as three:
            for file in (one, two, three):
                request, read = upload(100, head=head)
                with pytest.raises(TooLarge):
                    await imports_api._receive(request, file, most)
                assert read[0] <= (0 if head else most // 1_000_000 + 1)
    assert spool.used == 0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000


SLOW = ["![", "[", "[a](", "**a", "*x_", "`a``", "<b>", "| a |\n|--|\n", "- a\n  ", "> > > a\n", "# a\n", "x\n", "&amp"]


@pytest.mark.parametrize("pattern", SLOW)
def test_markdown_takes_time_in_proportion_and_no_more_than_is_allowed(pattern: str) -> None:
    dialect = detect_schema(Node("doc"))

    def steps(size: int) -> int:
        text = (pattern * (size // len(pattern) + 1))[:size]
        return calls_of(lambda: read_markdown(text, dialect))

    assert steps(4_000) <= 2.5 * steps(2_000)
    most = pattern * (2_000_000 // len(pattern))
    assert parsing_cost(most) > MAX_COST
    for read in (lambda: read_markdown(most, dialect), lambda: blocks.read(most)):
        with pytest.raises(TooMuchWork) as caught:
            read()
        assert (caught.value.status, caught.value.code) == (422, "too_much_work")


def calls_of(work: Callable[[], object]) -> int:
    """How many Python functions are called: unlike time, the same on a busy machine."""
    import sys

    calls = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def test_a_megabyte_of_prose_is_not_too_much() -> None:
    assert parsing_cost(prose(1_000_000)) < MAX_COST


@pytest.mark.parametrize("page", ["<div>" * 100_000, "<b>" * 400_000, "<ul><li>" * 1000, "<div><object></div>" * 1000])
def test_a_page_that_takes_the_sanitiser_long_is_refused_unread(page: str) -> None:
    with pytest.raises(TooMuchWork):
        html_reader.read(page)


def test_a_page_without_end_tags_is_read() -> None:
    page = "<p>one<br>" * 2_000 + "<ul>" + "<li>two" * 2_000 + "</ul>" + "<div><b>three</b></div>" * 2_000
    assert len(html_reader.read(page).document.content) > 2_000


def word_document(document: str, name: str = "word/document.xml") -> bytes:
    """A package whose text is `document`, in place of its paragraphs."""
    good = docx_file.write("", blocks.read("x"), WHEN)
    with zipfile.ZipFile(io.BytesIO(good)) as package:
        parts: dict[str, bytes | str] = {part: package.read(part) for part in package.namelist()}
    text = package_text(parts["word/document.xml"])
    begin, end = text.index("<w:p>"), text.index("</w:p>") + len("</w:p>")
    parts[name] = text[:begin] + document + text[end:]
    return zipped(parts, compression=zipfile.ZIP_DEFLATED)


def package_text(part: bytes | str) -> str:
    return part.decode() if isinstance(part, bytes) else part


def test_a_word_document_is_refused_by_its_cost() -> None:
    paragraph = "<w:p><w:r><w:t>{}</w:t></w:r></w:p>"
    page, _, _ = docx_reader.read(word_document(paragraph.format("x" * 1000) * 100))
    assert page.count("<p>") == 100
    with pytest.raises(TooLarge):
        docx_reader.read(word_document(paragraph.format("x" * 21_000_000)))
    with pytest.raises(TooMuchWork):
        docx_reader.read(word_document("<w:p/>" * 210_000))
    with pytest.raises(TooMuchWork):
        docx_reader.read(word_document("<w:p/>" * 210_000, "word/media/picture.png"))
    with pytest.raises(Malformed, match="document type"):
        docx_reader.read(zipped({"a.xml": '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY e "<p/>">]><d>&e;</d>'}))
