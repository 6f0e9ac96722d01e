"""An expiry deletes: who may set one, by whatever way."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.features.api_harness import PLAYGROUND, ApiHarness, refused
from tests.peers import Family, Peer
from tests.people import Person

YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).isoformat()
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()


async def push(who: Person, mutation: dict[str, Any]) -> dict[str, Any]:
    body = {"device_id": "laptop", "operations": [{"key": uuid4().hex, **mutation}]}
    answer = await who.post("/sync/push", json=body)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()["results"][0]
    return result


def patch(document: str, expires_at: str | None) -> dict[str, Any]:
    return {"kind": "patch", "document_id": document, "fields": {"expires_at": expires_at}}


async def test_an_expiry_needs_the_right_to_delete(api: ApiHarness) -> None:
    document = (await api.make(api.other))["id"]
    path = f"/documents/{document}"
    others = (api.editor, api.commenter, await api.admin.with_scope("write"))
    for who in others:
        assert refused(await who.delete(path)) == (403, "forbidden")
        assert refused(await who.patch(path, json={"expires_at": TOMORROW})) == (403, "forbidden")
        assert (await push(who, patch(document, TOMORROW)))["code"] == "forbidden"
    assert (await api.viewer.get(path)).json()["expires_at"] is None
    author = await api.other.with_scope("write")
    for who in (api.admin, author):
        answer = await who.patch(path, json={"expires_at": TOMORROW})
        assert answer.status_code == 200, answer.text
        for other in others:  # nor does the document outlive what its author has decided
            assert refused(await other.patch(path, json={"expires_at": None})) == (403, "forbidden")
        assert (await push(who, patch(document, None)))["status"] == "ok"
    assert (await api.editor.patch(path, json={"title": "Still theirs to edit"})).status_code == 200


async def test_a_guest_sets_no_expiry(api: ApiHarness) -> None:
    document = (await api.make(api.admin, PLAYGROUND))["id"]
    path = f"/documents/{document}"
    assert refused(await api.guest.delete(path)) == (403, "forbidden")
    assert refused(await api.guest.patch(path, json={"expires_at": TOMORROW})) == (403, "forbidden")
    body = {"title": "Bait", "expires_at": TOMORROW}
    for who, status in ((api.guest, 403), (api.admin, 201)):
        assert (await who.post(f"/workspaces/{PLAYGROUND}/documents", json=body)).status_code == status


@pytest.mark.parametrize("moment", [YESTERDAY, "2020-01-01T00:00:00Z"], ids=["yesterday", "long ago"])
async def test_an_expiry_in_the_past_is_refused(api: ApiHarness, moment: str) -> None:
    document = (await api.make())["id"]
    assert refused(await api.editor.patch(f"/documents/{document}", json={"expires_at": moment})) == (
        422,
        "unprocessable",
    )
    assert (await push(api.editor, patch(document, moment)))["code"] == "unprocessable"
    fields = {"title": "Late", "expires_at": moment}
    path = f"/workspaces/{api.team}/documents"
    assert refused(await api.editor.post(path, json=fields)) == (422, "unprocessable")
    made = {"kind": "create", "document_id": str(uuid4()), "workspace_id": api.team, "fields": fields}
    assert (await push(api.editor, made))["code"] == "unprocessable"


@pytest.mark.parametrize("family", ["yws", "hocus"])
async def test_an_expired_document_is_gone_at_once_by_every_way(api: ApiHarness, family: Family) -> None:
    word = f"w{uuid4().hex}"
    moment = datetime.now(UTC) + timedelta(seconds=4)
    made = await api.make(content=f"# {word}", expires_at=moment.isoformat(), name=f"soon-{uuid4()}")
    path = f"/documents/{made['id']}"
    peer = await Peer(api.server, family, made["id"], token=api.viewer.token).sync()
    assert (await api.viewer.get(f"{path}/content")).text == f"# {word}"
    cursor = (await api.viewer.get(f"/workspaces/{api.team}/sync", params={"limit": 500})).json()["next_cursor"]
    await peer.until(lambda: peer.closes or not peer.connected, "the end")
    if family == "hocus":
        assert peer.closes[0].startswith("not_found")
    else:
        assert peer.socket is not None
        assert (await peer.socket.end()).code == 4404
    await peer.close()
    assert datetime.now(UTC) >= moment
    for way in (path, f"{path}/content", f"{path}/export?format=md", f"{path}/presence"):
        assert refused(await api.viewer.get(way)) == (404, "not_found"), way
    assert refused(await api.editor.patch(path, json={"title": "Late"})) == (404, "not_found")
    assert made["id"] not in [one["id"] for one in await api.list()]
    assert made["id"] in [one["id"] for one in await api.list(deleted=True)]
    changes = (await api.viewer.get(f"/workspaces/{api.team}/sync", params={"cursor": cursor})).json()["items"]
    assert [change["operation"] for change in changes if change["entity_id"] == made["id"]][-1] == "delete"
    back = await api.editor.post(f"{path}/restore")
    assert (back.status_code, back.json()["expires_at"]) == (200, None)


async def test_rights_end_with_the_moment_even_where_nothing_moves_the_document(api: ApiHarness) -> None:
    """Here another transaction holds its row, so it cannot go to the trash."""
    word = f"w{uuid4().hex}"
    made = await api.make(content=f"# {word}", title=word, name=f"held-{uuid4()}")
    path = f"/documents/{made['id']}"
    connect = (await api.editor.post(f"{path}/connect-tokens", json={})).json()["token"]
    bearer = Person(api.server, "bearer", "", UUID(int=0), UUID(int=0), connect)

    async def found() -> list[str]:
        hits = (await api.viewer.get("/search", params={"q": word})).json()["items"]
        return [hit["document"]["id"] for hit in hits]

    for _ in range(100):
        if await found():
            break
        await asyncio.sleep(0.1)
    assert await found() == [made["id"]]
    conn = await asyncpg.connect(api.server.owner_dsn)
    try:
        update = "UPDATE documents SET expires_at = now() + interval '3 s' WHERE id = $1"
        await conn.execute(update, UUID(made["id"]))
        holding = conn.transaction()
        await holding.start()
        row = await conn.fetchrow("SELECT deleted_at FROM documents WHERE id = $1 FOR SHARE", UUID(made["id"]))
        assert row is not None and row["deleted_at"] is None
        await conn.execute(
            "SELECT pg_sleep(greatest(0, extract(epoch FROM expires_at - clock_timestamp())) + 0.01) "
            "FROM documents WHERE id = $1",
            UUID(made["id"]),
        )
        for who in (api.viewer, bearer):
            for way in (path, f"{path}/content"):
                assert refused(await who.get(way)) == (404, "not_found"), way
        assert made["id"] not in [one["id"] for one in await api.list()]
        assert await found() == []
        titles = (await api.viewer.get("/search/titles", params={"q": word})).json()["items"]
        assert titles == []
        pulled = await api.viewer.post("/sync/pull", json={"documents": [{"id": made["id"]}]})
        assert '"status":"refused"' in pulled.text and '"code":"not_found"' in pulled.text
        late_edit = {"kind": "patch", "document_id": made["id"], "fields": {"title": "Late"}}
        assert (await push(api.editor, late_edit))["code"] == "not_found"
        late = Peer(api.server, "yws", made["id"], token=api.editor.token)
        await late.connect()
        assert late.socket is not None and (await late.socket.end()).code == 4404
        await holding.rollback()
    finally:
        await conn.close()
