"""Links to all documents of a workspace, with a tag, or in a category."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.features.api_harness import ApiHarness, code, open_api
from tests.features.shares.sharing import open_link, visitor
from tests.peers import Family, Peer
from tests.people import Person
from tests.realtime.team import ended


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    directory: Path = tmp_path_factory.mktemp("links")
    async with open_api(directory, guest_role="none") as running:
        yield running


async def link(api: ApiHarness, who: Person | None = None, **fields: object) -> dict[str, Any]:
    answer = await (who or api.admin).post(f"/workspaces/{api.team}/shares", json=fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def category(api: ApiHarness, parent: str | None = None) -> str:
    body = {"name": f"c {uuid4()}", "parent_id": parent}
    made: str = (await api.editor.post(f"/workspaces/{api.team}/categories", json=body)).json()["id"]
    return made


async def readable(who: Person) -> set[str]:
    return {each["id"] for each in (await who.get("/documents/shared")).json()["items"]}


async def test_a_link_to_a_tag_opens_what_has_the_tag(api: ApiHarness) -> None:
    tag = f"t-{uuid4().hex[:8]}"
    one, other = await api.make(tags=[tag], content="Open words"), await api.make(content="Closed words")
    tag_id = one["tags"][0]["id"]
    made = await link(api, tag_id=tag_id, name="Customers")
    assert (made["document_id"], made["tag_id"], made["permission"]) == (None, tag_id, "read")
    opened = (await open_link(api, made["token"], name="Dana")).json()
    assert (opened["document_id"], opened["scope"], opened["title"]) == (None, "tag", tag)
    for token in (made["token"], opened["token"]):
        guest = visitor(api, token)
        assert await readable(guest) == {one["id"]}
        seen = (await guest.get(f"/documents/{one['id']}")).json()
        assert (seen["role"], seen["tags"], seen["address"]) == ("viewer", [], one["id"])
        assert (await guest.get(f"/documents/{one['id']}/content")).text == "Open words"
        assert code(await guest.get(f"/documents/{other['id']}")) == "not_found"
        put = await guest.put(f"/documents/{one['id']}/content", content="x", headers={"content-type": "text/plain"})
        assert code(put) == "forbidden"
        assert code(await guest.get(f"/workspaces/{api.team}")) == "not_found"
    later = await api.make(tags=[tag])
    assert later["id"] in await readable(visitor(api, opened["token"]))
    await api.editor.put(f"/documents/{one['id']}/tags", json={"tags": []})
    assert await readable(visitor(api, made["token"])) == {later["id"]}


async def test_a_link_to_a_category_opens_the_categories_in_it(api: ApiHarness) -> None:
    outer = await category(api)
    inner = await category(api, outer)
    documents = [(await api.make(category_id=place))["id"] for place in (outer, inner, await category(api))]
    made = await link(api, category_id=outer)
    assert await readable(visitor(api, made["token"])) == set(documents[:2])


async def test_a_link_to_a_workspace_opens_all_but_what_is_encrypted_or_in_the_trash(api: ApiHarness) -> None:
    shown, thrown = await api.make(), await api.make()
    secret = await api.make(type="password", content_encrypted="c2VjcmV0", encryption={"alg": "x"})
    await api.owner.delete(f"/documents/{thrown['id']}")
    made = await link(api)
    found = await readable(visitor(api, made["token"]))
    assert shown["id"] in found
    assert not {thrown["id"], secret["id"]} & found
    assert (await api.admin.delete(f"/shares/{made['id']}")).status_code == 204
    assert code(await visitor(api, made["token"]).get("/documents/shared")) == "share_ended"


@pytest.mark.parametrize("family", ["yws", "hocus"])
async def test_an_untagged_document_ends_its_sockets(api: ApiHarness, family: Family) -> None:
    tag = f"t-{uuid4().hex[:8]}"
    one = await api.make(tags=[tag], content="Open words")
    made = await link(api, tag_id=one["tags"][0]["id"])
    peer = await Peer(api.server, family, one["id"], share=made["token"]).sync()
    assert "Open words" in peer.content
    await api.editor.put(f"/documents/{one['id']}/tags", json={"tags": []})
    await ended(peer, "forbidden")
    await peer.close()


async def test_whoever_may_invite_makes_links_of_a_workspace(api: ApiHarness) -> None:
    for who in (api.editor, api.viewer):
        assert code(await who.post(f"/workspaces/{api.team}/shares", json={})) == "forbidden"
        assert code(await who.get(f"/workspaces/{api.team}/shares")) == "forbidden"
    made = await link(api, max_uses=1)
    listed = (await api.admin.get(f"/workspaces/{api.team}/shares")).json()["items"]
    assert made["id"] in [each["id"] for each in listed]
    assert code(await api.editor.patch(f"/shares/{made['id']}", json={"name": "Mine"})) in ("forbidden", "not_found")
    assert (await api.admin.patch(f"/shares/{made['id']}", json={"name": "Ours"})).json()["name"] == "Ours"
    assert code(await api.admin.patch(f"/shares/{made['id']}", json={"permission": "write"})) == "unprocessable"
    for body in (
        {"tag_id": str(uuid4())},
        {"category_id": str(uuid4())},
        {"permission": "write"},
        {"tag_id": str(uuid4()), "category_id": str(uuid4())},
    ):
        assert (await api.admin.post(f"/workspaces/{api.team}/shares", json=body)).status_code == 422, body
