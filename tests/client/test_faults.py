"""A server that is away, half an answer, a token that is wrong: the client goes on where it stopped."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from collab_server.client.offline import NotSetUp, OfflineClient
from collab_server.client.wire import RequestRejected, ServerUnavailable
from tests.client.devices import device, text_on_server
from tests.features.api_harness import ApiHarness
from tests.people import fetch
from tests.server import free_port


class Line:
    """A line to the server that is cut when so many bytes of answers have come (None: never)."""

    def __init__(self, target: str, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.left: int | None = None
        self._target = urlsplit(target)
        self._relays: set[asyncio.Task[None]] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(self._target.hostname, self._target.port)

        async def requests() -> None:
            with suppress(ConnectionError):
                while chunk := await reader.read(65536):
                    there_writer.write(chunk)
                    await there_writer.drain()

        async def answers() -> None:
            with suppress(ConnectionError):
                while chunk := await there_reader.read(65536):
                    if self.left is not None:
                        chunk, self.left = chunk[: self.left], max(0, self.left - len(chunk))
                    writer.write(chunk)
                    await writer.drain()
                    if self.left == 0:
                        return

        asking = asyncio.create_task(requests())
        try:
            await answers()
        finally:
            asking.cancel()
            there_writer.close()
            writer.close()


@asynccontextmanager
async def line_to(field: ApiHarness) -> AsyncIterator[Line]:
    port = free_port()
    line = Line(field.server.http, port)
    server = await asyncio.start_server(line.accept, "127.0.0.1", port)
    try:
        yield line
    finally:
        server.close()


async def test_an_answer_that_is_cut_anywhere_is_asked_for_again(field: ApiHarness, tmp_path: Path) -> None:
    async with line_to(field) as line, device(tmp_path, field.editor, server=line.url) as laptop:
        made = [await laptop.create(f"Plan {n}", f"first {n}\n", UUID(field.team)) for n in range(5)]
        cuts = 0
        for left in (0, 1, 50, 150, 400, 900, 1400, 2500):
            for one in made:
                await laptop.append(one, f"after {left}\n")
                await laptop.rename(one, f"Plan after {left}")
            line.left = left
            try:
                await laptop.sync()
            except ServerUnavailable:
                cuts += 1
        assert cuts >= 4
        line.left = None
        await laptop.sync()
        assert (await laptop.status())[1:] == (0, 0)
        for n, one in enumerate(made):
            wanted = f"first {n}\n" + "".join(f"after {left}\n" for left in (0, 1, 50, 150, 400, 900, 1400, 2500))
            assert await text_on_server(field.viewer, one) == wanted == await laptop.content(one)
            query = "SELECT count(*) FROM sync_conflicts WHERE document_id = $1"
            assert (await fetch(field.server, query, one))[0][0] == 0


async def test_a_comment_whose_answer_is_cut_anywhere_is_said_once(field: ApiHarness, tmp_path: Path) -> None:
    async with line_to(field) as line, device(tmp_path, field.editor, server=line.url) as laptop:
        made = await laptop.create("Plan", "some words", UUID(field.team))
        await laptop.sync()
        cuts = 0
        for left in range(0, 6000, 400):
            said = await laptop.comment(made, f"after {left}", quote="words")
            await laptop.react(said, "👍")
            await laptop.comment(made, f"reply {left}", parent=said)
            await laptop.edit_comment(said, f"edited {left}")
            line.left = left
            try:
                await laptop.sync()
            except ServerUnavailable:
                cuts += 1
        assert cuts >= 6
        line.left = None
        assert (await laptop.sync()).refusals == []
        assert (await laptop.status())[1:] == (0, 0)
        answer = await field.viewer.get(f"/documents/{made}/comments", params={"limit": 200})
        said_there = sorted(one["content"] for one in answer.json()["items"])
        assert said_there == sorted(f"{word} {left}" for left in range(0, 6000, 400) for word in ("edited", "reply"))
        assert said_there == sorted(one.content for one in await laptop.comments(made))
        edits = "SELECT count(*) FROM comment_edits e JOIN comments c ON c.id = e.comment_id WHERE c.document_id = $1"
        assert (await fetch(field.server, edits, made))[0][0] == 15


async def test_a_server_that_is_away_costs_nothing_but_time(field: ApiHarness, tmp_path: Path) -> None:
    async with line_to(field) as line, device(tmp_path, field.editor, server=line.url) as laptop:
        made = await laptop.create("Plan", "", UUID(field.team))
        await laptop.sync()
    nobody = OfflineClient(tmp_path / "nobody.sqlite")
    async with nobody:
        await nobody.set_up(f"http://127.0.0.1:{free_port()}", "x")
        with pytest.raises(ServerUnavailable):
            await nobody.sync()
    async with OfflineClient(laptop._path) as again:
        await again.append(made, "typed while nobody listened")
        with pytest.raises(ServerUnavailable):
            await again.sync()
        assert await again.content(made) == "typed while nobody listened"
        assert (await again.status())[1] == 1
        with pytest.raises(NotSetUp, match="belongs to"):
            await again.set_up(field.server.http, field.editor.token)


async def test_a_wrong_token_is_told_and_nothing_is_lost(field: ApiHarness, tmp_path: Path) -> None:
    async with device(tmp_path, field.editor) as laptop:
        made = await laptop.create("Plan", "text", UUID(field.team))
        for token in ("wrong", "ct_" + "0" * 40):
            await laptop.set_up(field.server.http, token)
            with pytest.raises(RequestRejected, match="unauthenticated"):
                await laptop.sync()
            with pytest.raises(RequestRejected):
                async for _ in laptop.watch():
                    pass
        assert await laptop.content(made) == "text"
        await laptop.set_up(field.server.http, field.editor.token)
        await laptop.sync()
        assert await text_on_server(field.viewer, made) == "text"


async def test_a_cursor_that_the_server_does_not_know_has_everything_listed_anew(
    field: ApiHarness, tmp_path: Path
) -> None:
    async with device(tmp_path, field.editor) as laptop:
        made = await laptop.create("Plan", "text ", UUID(field.team))
        await laptop.sync()
        await laptop.append(made, "unsent")
        with sqlite3.connect(laptop._path) as conn:
            conn.execute("UPDATE meta SET value = 'of another server' WHERE key = 'cursor'")
        await laptop.sync()
        assert await text_on_server(field.viewer, made) == await laptop.content(made) == "text unsent"


async def test_an_edit_that_the_server_will_never_take_is_kept_as_text_and_holds_nothing_up(
    field: ApiHarness, tmp_path: Path
) -> None:
    async with device(tmp_path, field.editor) as laptop:
        other = await laptop.create("Other", "other", UUID(field.team))
        huge = await laptop.create("Huge", "", UUID(field.team))
        await laptop.sync()
        await laptop.append(huge, "x" * 65_000_000)
        await laptop.append(other, " edit")
        await laptop.sync()
        await laptop.sync()
        assert await text_on_server(field.viewer, other) == "other edit"
        [(_, document_id, title, reason, text)] = await laptop.rescued()
        assert (document_id, title, len(text or "")) == (huge, "Huge", 65_000_000)
        assert "too_large" in reason
        await laptop.append(huge, "small")
        await laptop.sync()
        assert await text_on_server(field.viewer, huge) == "small"
