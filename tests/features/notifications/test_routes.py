"""The inbox over REST: pages, states, rights, and live events."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.features.api_harness import PLAYGROUND, ApiHarness, open_api, refused
from tests.features.notifications.discussing import comes, comment, follow, inbox, unread
from tests.people import Person, people

ROUTES = (
    ("GET", "/notifications"),
    ("GET", "/notifications/unread"),
    ("POST", "/notifications/read"),
    ("PATCH", "/notifications/{id}"),
    ("GET", "/documents/{document}/subscription"),
    ("PUT", "/documents/{document}/subscription"),
    ("DELETE", "/documents/{document}/subscription"),
    ("GET", "/workspaces/{workspace}/subscription"),
    ("PUT", "/workspaces/{workspace}/subscription"),
    ("DELETE", "/workspaces/{workspace}/subscription"),
)


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("inbox"), guest_role="editor") as running:
        yield running


async def told(api: ApiHarness, count: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A document that the viewer follows with so many comments, and the viewer's entries."""
    made = await api.make()
    await follow(api.viewer, made)
    for number in range(count):
        await comment(api.editor, made, f"number {number}")
    return made, await inbox(api.viewer, made)


async def test_pages_have_every_entry_once_the_newest_first(api: ApiHarness) -> None:
    _, entries = await told(api, 5)
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await api.viewer.get("/notifications", params=params)).json()
        found += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert found[:5] == entries
    assert [entry["comment"]["excerpt"] for entry in entries] == [f"number {n}" for n in (4, 3, 2, 1, 0)]
    assert len({entry["id"] for entry in found}) == len(found)
    assert refused(await api.viewer.get("/notifications?cursor=x")) == (400, "malformed")
    for wrong in ("state=new", "limit=0", "limit=201"):
        assert refused(await api.viewer.get(f"/notifications?{wrong}")) == (422, "invalid")


async def test_an_entry_is_read_archived_and_taken_back(api: ApiHarness) -> None:
    made, (second, first) = await told(api, 2)
    before = await unread(api.viewer)

    async def states() -> dict[str, list[str]]:
        names = {first["id"]: "first", second["id"]: "second"}
        return {
            state: [names[entry["id"]] for entry in await inbox(api.viewer, made, state=state)]
            for state in ("unread", "read", "archived", "inbox", "all")
        }

    both = ["second", "first"]
    path = f"/notifications/{first['id']}"
    changed = await api.viewer.patch(path, json={"read": True})
    assert changed.json() == {**first, "read": True}
    assert await states() == {"unread": ["second"], "read": ["first"], "archived": [], "inbox": both, "all": both}
    assert await unread(api.viewer) == before - 1
    assert (await api.viewer.patch(path, json={"archived": True, "read": False})).json()["archived"] is True
    assert await states() == {"unread": ["second"], "read": [], "archived": ["first"], "inbox": ["second"], "all": both}
    assert (await api.viewer.patch(path, json={"archived": False})).json() == first
    assert (await api.viewer.post("/notifications/read", json={"ids": [first["id"], str(uuid4())]})).json() == {
        "count": before - 1
    }
    assert (await api.viewer.post("/notifications/read")).json() == {"count": 0}
    assert (await states())["unread"] == []


async def test_nobody_reads_or_changes_the_entries_of_others(api: ApiHarness) -> None:
    _, (entry,) = await told(api, 1)
    for who in (api.editor, api.owner, api.stranger):
        assert refused(await who.patch(f"/notifications/{entry['id']}", json={"read": True})) == (404, "not_found")
        assert (await who.post("/notifications/read", json={"ids": [entry["id"]]})).status_code == 200
        assert entry["id"] not in {one["id"] for one in await inbox(who)}
    assert (await inbox(api.viewer, state="unread"))[0]["id"] == entry["id"]


async def ask(who: Person | httpx.AsyncClient, method: str, path: str, **options: Any) -> httpx.Response:
    bodies: dict[str, dict[str, Any]] = {"PUT": {"level": "follow"}, "PATCH": {"read": True}}
    return await who.request(method, path, json=bodies.get(method), **options)


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_they_are_for_accounts_and_need_the_scope_write_for_changes(
    api: ApiHarness, method: str, path: str
) -> None:
    made, (entry,) = await told(api, 1)
    path = path.format(id=entry["id"], document=made["id"], workspace=api.team)
    assert refused(await ask(api.guest, method, path)) == (401, "unauthenticated")
    connect = (await api.viewer.post(f"/documents/{made['id']}/connect-tokens", json={})).json()["token"]
    bearer = {"authorization": f"Bearer {connect}"}
    assert refused(await ask(api.guest, method, path, headers=bearer)) == (403, "forbidden")
    for scope in ("read", "comment"):
        answer = await ask(await api.viewer.with_scope(scope), method, path)
        assert answer.status_code == (200 if method == "GET" else 403), answer.text
    answer = await ask(await api.viewer.with_scope("write"), method, path)
    assert answer.status_code == (204 if method == "DELETE" else 200), answer.text


async def test_a_subscription_is_chosen_and_taken_back(api: ApiHarness) -> None:
    made = await api.make()
    nothing = {"level": None, "reason": None, "effective": None}
    for path in (f"/documents/{made['id']}/subscription", f"/workspaces/{api.team}/subscription"):
        await api.other.delete(path)
        assert (await api.other.get(path)).json() == nothing
        for level in ("follow", "muted", "participating"):
            chosen = await api.other.put(path, json={"level": level})
            assert chosen.json() == {"level": level, "reason": "chosen", "effective": level}
            assert (await api.other.get(path)).json() == chosen.json()
        assert refused(await api.other.put(path, json={"level": "loud"})) == (422, "invalid")
        assert (await api.other.delete(path)).status_code == (await api.other.delete(path)).status_code == 204
        assert (await api.other.get(path)).json() == nothing
        for method in ("GET", "PUT", "DELETE"):
            assert refused(await ask(api.stranger, method, path)) == (404, "not_found")
    await api.other.put(f"/workspaces/{api.team}/subscription", json={"level": "follow"})
    inherited = (await api.other.get(f"/documents/{made['id']}/subscription")).json()
    assert inherited == {**nothing, "effective": "follow"}
    await api.other.delete(f"/workspaces/{api.team}/subscription")


class Stream:
    """The live events of a person's page, without those of other types."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.open = asyncio.Event()

    async def read(self, who: Person) -> None:
        async with who.stream("GET", "/sync/stream", timeout=httpx.Timeout(30, read=None)) as answer:
            async for line in answer.aiter_lines():
                self.open.set()
                if line.startswith("data: ") and line != "data: {}":
                    event = json.loads(line.removeprefix("data: "))
                    if event.get("entity_type") == "notification":
                        self.events.put_nowait(event)

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.events.get(), 30)


async def test_only_their_person_hears_of_entries_and_of_reading_them(api: ApiHarness) -> None:
    (ben,) = await people(api.server, "ben")
    made = await api.make()
    await follow(api.viewer, made)
    streams = {person.name: Stream() for person in (api.viewer, api.editor, api.owner, ben)}
    async with asyncio.TaskGroup() as tasks:
        reading = [tasks.create_task(streams[p.name].read(p)) for p in (api.viewer, api.editor, api.owner, ben)]
        for stream in streams.values():
            await asyncio.wait_for(stream.open.wait(), 30)
        await comment(api.editor, made)
        event = await streams["viewer"].next()
        (entry,) = await inbox(api.viewer, made)
        assert (event["operation"], event["entity_id"]) == ("create", entry["id"])
        assert (event["document_id"], event["workspace_id"]) == (made["id"], api.team)
        assert "title" not in event and "count" not in event
        await api.viewer.patch(f"/notifications/{entry['id']}", json={"read": True})
        event = await streams["viewer"].next()
        assert (event["operation"], event["entity_id"]) == ("update", entry["id"])
        # Each hears of their own next entry: nothing else came before it.
        await comment(api.commenter, made, mentions=(api.editor, api.owner))
        for person in (api.editor, api.owner):
            event = await streams[person.name].next()
            assert event["entity_id"] == (await inbox(person, made))[0]["id"]
        assert streams["ben"].events.empty()
        for task in reading:
            task.cancel()


async def test_in_the_playground_people_are_told_as_elsewhere(api: ApiHarness) -> None:
    made = await api.make(api.stranger, PLAYGROUND)
    await follow(api.other, made)
    answer = await api.guest.put(f"/documents/{made['id']}/content", json={"content": "by a guest"})
    assert answer.status_code == 200, answer.text
    told = await comes(api.other, made, "document_changed")
    assert told["actors"] == [] and told["url"] == f"/d/{made['address']}"
