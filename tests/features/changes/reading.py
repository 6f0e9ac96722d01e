"""Following the change feed as a client does."""

from typing import Any

from tests.features.workspaces.teams import ok
from tests.people import Person, fetch
from tests.server import Server
from tests.waiting import until

Item = dict[str, Any]


class Reader:
    """Somebody who follows a feed: that of all workspaces, or of one. Begins where the feed ends."""

    def __init__(self, person: Person, workspace: str | None = None) -> None:
        self.person = person
        self.path = f"/workspaces/{workspace}/sync" if workspace else "/sync"
        self.cursor = ""
        self.last: dict[str, Any] = {}
        self.items: list[Item] = []

    async def begin(self) -> "Reader":
        await settle(self.person.server)
        self.last = ok(await self.person.get(self.path))
        assert self.last["items"] == [] and not self.last["more"]
        self.cursor = self.last["next_cursor"]
        return self

    async def page(self, **parameters: object) -> list[Item]:
        """The next page."""
        asked = {"cursor": self.cursor, **parameters}
        self.last = ok(await self.person.get(self.path, params=asked, timeout=60))  # type: ignore[arg-type]
        self.cursor = self.last["next_cursor"]
        items: list[Item] = self.last["items"]
        return items

    async def take(self, count: int, **parameters: object) -> list[tuple[str, str, str]]:
        """(operation, type, id) of the next entries, which may have to wait for the server's own transactions."""
        self.items = []
        while len(self.items) < count:
            self.items += await self.page(wait=20, **parameters)
            assert self.items, "nothing came"
        assert len(self.items) == count, self.items
        return [brief(item) for item in self.items]


async def settle(server: Server) -> None:
    """Wait for the transactions that run now: the feed keeps back what was committed while they ran."""
    running = await _ask(server, "xmax")

    async def is_over() -> bool:
        return await _ask(server, "xmin") >= running

    await until(is_over, "the end of the transactions of this moment")


async def _ask(server: Server, bound: str) -> int:
    (row,) = await fetch(server, f"SELECT pg_snapshot_{bound}(pg_current_snapshot())::text::bigint AS number")
    number: int = row["number"]
    return number


def brief(item: Item) -> tuple[str, str, str]:
    return item["operation"], item["entity_type"], item["entity_id"]


async def begin(person: Person, workspace: str | None = None) -> Reader:
    return await Reader(person, workspace).begin()
