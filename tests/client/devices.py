"""Devices of people, each with a file of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

from collab_server.client.offline import OfflineClient, Report
from tests.features.api_harness import ApiHarness
from tests.people import Person, fetch, run
from tests.server import Server
from tests.waiting import until


class Device(OfflineClient):
    """A client that hears all that has been done before: its syncs begin once the feed holds nothing back."""

    server: Server

    async def sync(self) -> Report:
        # The feed holds an entry back while an older transaction of anybody runs.
        await until(partial(_has_told_all, self.server), "the feed to hold nothing back")
        return await super().sync()


async def _has_told_all(server: Server) -> bool:
    held = "SELECT FROM sync_log WHERE xid >= pg_snapshot_xmin(pg_current_snapshot()) LIMIT 1"
    return not await fetch(server, held)


@asynccontextmanager
async def device(directory: Path, who: Person, *, server: str | None = None) -> AsyncIterator[OfflineClient]:
    """A new device that has synced once."""
    async with Device(directory / f"{uuid4().hex}.sqlite") as client:
        client.server = who.server
        await client.set_up(server or who.server.http, who.token)
        await client.sync()
        yield client


async def settled(api: ApiHarness, document_id: UUID | str, holds: str) -> None:
    """Wait until the server's text of a document has this in it."""

    async def is_there() -> bool:
        answer = await api.owner.get(f"/documents/{document_id}/content")
        return answer.status_code == 200 and holds in answer.text

    await until(is_there, f"{holds!r} on the server")


async def text_on_server(who: Person, document_id: UUID | str) -> str:
    answer = await who.get(f"/documents/{document_id}/content")
    assert answer.status_code == 200, answer.text
    return answer.text


async def met(*clients: OfflineClient) -> None:
    """Have all of them know what each of them did."""
    for client in (*clients, *clients):
        await client.sync()


async def backdate_edits(api: ApiHarness) -> None:
    """Move all edits into the past: the clock of a device never goes behind an edit that it has received."""
    await run(api.server, "UPDATE document_edit_times SET edited_at = edited_at - interval '1 hour'")
