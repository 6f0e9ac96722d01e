"""An address names one document, whoever asks: a document of a workspace never lands among everybody's."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from collab_server.security.tokens import csrf_token
from tests.features.api_harness import PLAYGROUND, ApiHarness, open_api, refused
from tests.peers import Family, Peer
from tests.people import Person, fetch, run
from tests.realtime.team import Team

FAMILIES: tuple[Family, Family] = ("yws", "hocus")
CODES = {"unauthenticated": 4401, "not_found": 4404, "ambiguous_address": 4409, "malformed": 4400, "forbidden": 4403}
REMOVE = "DELETE FROM workspace_members WHERE workspace_id = $1 AND user_id = $2"
JOIN = "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'editor')"


@pytest.fixture(scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("addresses")) as running:
        yield running


def some(name: str = "plan") -> str:
    return f"{name}-{uuid4().hex[:8]}"


async def turned_away(peer: Peer, code: str) -> None:
    """Connect, say what one has as every provider does, and be refused for this reason."""
    await peer.connect()
    assert peer.socket is not None
    with suppress(ConnectionError):
        peer.send_content(peer.doc.get_update(), kind=1)
    if peer.family == "hocus":
        await peer.until(lambda: peer.denied, "a refusal")
        assert peer.denied[0].startswith(f"{code}: ")
        await peer.close()
    else:
        end = await peer.socket.end()
        assert (end.code, end.reason.partition(":")[0]) == (CODES[code], code)


async def in_playground(office: ApiHarness, ending: str) -> list[asyncpg.Record]:
    return await fetch(
        office.server,
        "SELECT name FROM documents WHERE workspace_id = $1 AND name LIKE '%' || $2",
        UUID(PLAYGROUND),
        ending,
    )


async def look_up(who: Person, address: str) -> httpx.Response:
    return await who.get("/documents/lookup", params={"address": address})


# ---- who comes back


@pytest.mark.parametrize("at", ["", "@"])
@pytest.mark.parametrize("family", FAMILIES)
async def test_a_client_whose_session_has_ended_is_no_guest(office: ApiHarness, family: Family, at: str) -> None:
    name = some("salaries")
    owner = await asyncpg.connect(office.server.owner_dsn)
    session, cookie = await Team(office.server, owner, office.owner).signed_in(office.editor)
    await owner.close()
    page = [("Cookie", f"collab_session={cookie}"), ("Origin", office.server.http)]
    peer = await Peer(office.server, family, f"{at}{office.slug}/{name}", headers=page).sync()
    peer.insert("the private text")
    await peer.saved()
    await peer.abort()
    await run(office.server, "DELETE FROM sessions WHERE id = $1", [(UUID(session),)])
    await turned_away(peer, "unauthenticated")
    assert not await in_playground(office, name)
    assert refused(await look_up(office.guest, f"{at}{office.slug}/{name}"))[0] in (404, 409)


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_removed_member_does_not_bring_a_private_document_among_the_guests(
    office: ApiHarness, family: Family
) -> None:
    name = some("salaries")
    member = office.stranger
    await run(office.server, JOIN, [(UUID(office.team), UUID(member.id))])
    old, new = (f"{office.slug}/{name}", f"@{office.slug}/{name}")
    peers = [await Peer(office.server, family, address, token=member.token).sync() for address in (old, new)]
    peers[0].insert("the private text")
    await peers[1].until(lambda: "private" in peers[1].content, "one document")
    await peers[0].saved()
    for peer in peers:
        await peer.abort()
    await run(office.server, REMOVE, [(UUID(office.team), UUID(member.id))])
    for peer, code in zip(peers, ("ambiguous_address", "not_found"), strict=True):
        await turned_away(peer, code)
        peer.token = None
        await turned_away(peer, code)
    assert not await in_playground(office, name)
    assert refused(await look_up(member, old)) == (409, "ambiguous_address")
    assert refused(await look_up(member, new)) == (404, "not_found")


@pytest.mark.parametrize("change", ["slug = slug || '-2'", "slug = NULL", "deleted_at = now()", ""])
async def test_the_slug_of_a_workspace_that_is_gone_stays_one(office: ApiHarness, change: str) -> None:
    slug, name = some("gone"), some()
    workspace = uuid4()
    add = "INSERT INTO workspaces (id, owner_id, name, slug, kind) VALUES ($1, $2, 'Gone', $3, 'team')"
    await run(office.server, add, [(workspace, UUID(office.editor.id), slug)])
    peer = await Peer(office.server, "yws", f"{slug}/{name}", token=office.editor.token).sync()
    await peer.abort()
    statement = f"UPDATE workspaces SET {change}" if change else "DELETE FROM workspaces"
    await run(office.server, f"{statement} WHERE id = $1", [(workspace,)])
    await turned_away(peer, "ambiguous_address")
    assert not await in_playground(office, name)


# ---- what an address names


async def test_an_address_with_a_workspace_is_made_there_and_found_by_members_alone(office: ApiHarness) -> None:
    name = f"{some()}/2025"
    address = f"@{office.slug}/{name}"
    for family in FAMILIES:
        peer = await Peer(office.server, family, address, token=office.editor.token).sync()
        await peer.close()
    for who in (office.editor, office.viewer):
        for written in (address, f"{office.slug}/{name}"):
            found = (await look_up(who, written)).json()
            assert (found["workspace_id"], found["name"], found["address"]) == (office.team, name, address)
    missing = f"@{some('nowhere')}/{name}"
    for who in (office.stranger, office.guest):
        told, nothing = await look_up(who, address), await look_up(who, missing)
        assert (told.status_code, told.json()) == (nothing.status_code, nothing.json())
        assert told.status_code == 404
    for family in FAMILIES:
        for other in (address, missing):
            await turned_away(Peer(office.server, family, other), "not_found")


async def test_a_session_id_behind_a_nul_is_no_part_of_the_address(office: ApiHarness) -> None:
    name = some()
    peer = await Peer(office.server, "hocus", f"@{office.slug}/{name}\0s1", token=office.editor.token).sync()
    await peer.close()
    assert (await look_up(office.editor, f"@{office.slug}/{name}")).status_code == 200


async def test_names_of_the_default_workspace_are_for_everybody(office: ApiHarness) -> None:
    name = f"{some('no-workspace')}/notes"
    peer = await Peer(office.server, "yws", name).sync()
    await peer.close()
    for who in (office.guest, office.editor):
        for address in (name, f"@playground/{name}", f"playground/{name}"):
            found = (await look_up(who, address)).json()
            assert (found["workspace_id"], found["name"]) == (PLAYGROUND, name)
            assert found["address"] == name


async def test_nobody_makes_a_name_that_reads_as_the_address_of_a_workspace(office: ApiHarness) -> None:
    name = f"{office.slug}/{some()}"
    for who in (office.guest, office.stranger, office.editor):
        answer = await who.post(f"/workspaces/{PLAYGROUND}/documents", json={"title": "Trap", "name": name})
        assert refused(answer) == (409, "ambiguous_address")
    made = await office.make(office.guest, PLAYGROUND)
    assert refused(await office.guest.patch(f"/documents/{made['id']}", json={"name": name})) == (
        409,
        "ambiguous_address",
    )
    fields = {"title": "Trap", "name": name}
    create = {"kind": "create", "document_id": str(uuid4()), "workspace_id": PLAYGROUND, "fields": fields}
    patch = {"kind": "patch", "document_id": made["id"], "fields": {"name": name}}
    operations = [{**operation, "key": uuid4().hex} for operation in (create, patch)]
    answer = await office.editor.post("/sync/push", json={"device_id": "d", "operations": operations})
    assert answer.text.count("ambiguous_address") == 2
    for family in FAMILIES:
        await turned_away(Peer(office.server, family, name), "ambiguous_address")
        await turned_away(Peer(office.server, family, f"@playground/{name}"), "ambiguous_address")
    assert not await in_playground(office, name)
    # In other workspaces a name is no address by itself.
    assert (await office.make(name=name))["address"] == f"@{office.slug}/{name}"


async def test_a_name_that_a_new_workspace_shadows_is_reached_in_full(office: ApiHarness) -> None:
    slug, name = some("late"), some()
    peer = await Peer(office.server, "yws", f"{slug}/{name}").sync()
    await peer.close()
    made = await office.editor.post("/workspaces", json={"name": "Late", "slug": slug})
    assert made.status_code == 201
    full = f"@playground/{slug}/{name}"
    assert (await look_up(office.guest, full)).json()["address"] == full
    listed = await office.guest.get(f"/workspaces/{PLAYGROUND}/documents", params={"q": name})
    assert [item["address"] for item in listed.json()["items"]] == [full]
    assert refused(await look_up(office.guest, f"{slug}/{name}")) == (409, "ambiguous_address")
    # Nor does a member's client, which may hold the document of the playground, make one of the workspace of it.
    for family in FAMILIES:
        await turned_away(Peer(office.server, family, f"{slug}/{name}", token=office.editor.token), "ambiguous_address")
    assert refused(await look_up(office.editor, f"@{slug}/{name}")) == (404, "not_found")


@pytest.mark.parametrize("address", ["@", "@team", "@team/", "@/plan", "@a@b/plan", "@playground/@plan"])
async def test_an_address_that_cannot_be_one_is_told_so(office: ApiHarness, address: str) -> None:
    for family in FAMILIES:
        await turned_away(Peer(office.server, family, address), "malformed")


async def test_a_name_that_begins_with_at_is_refused(office: ApiHarness) -> None:
    for name in ("@plan", f"@{office.slug}/plan"):
        answer = await office.editor.post(f"/workspaces/{office.team}/documents", json={"title": "x", "name": name})
        assert refused(answer) == (422, "invalid")
        assert "may not begin with @" in answer.text


async def test_guests_create_by_name_in_a_playground_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with open_api(
        tmp_path_factory.mktemp("teamwork"), default_workspace="teamwork", guest_role="editor"
    ) as office:
        await run(office.server, "UPDATE workspaces SET slug = 'teamwork' WHERE id = $1", [(UUID(office.team),)])
        for family in FAMILIES:
            await turned_away(Peer(office.server, family, some()), "not_found")
            await turned_away(Peer(office.server, family, some(), token=office.stranger.token), "not_found")
            await turned_away(Peer(office.server, family, some(), token=office.viewer.token), "forbidden")
            name = some()
            for there, token in ((name, office.editor.token), (f"@playground/{name}", None)):
                peer = await Peer(office.server, family, there, token=token).sync()
                await peer.close()
        assert (
            await fetch(
                office.server,
                "SELECT count(*) AS n FROM documents WHERE created_by IS NULL AND workspace_id <> $1",
                UUID(PLAYGROUND),
            )
        )[0]["n"] == 0


# ---- the cookie of an ended session over HTTP


async def test_a_request_with_the_cookie_of_an_ended_session_is_refused_and_rid_of_it(office: ApiHarness) -> None:
    made = await office.make(office.guest, PLAYGROUND)
    for headers in ({}, {"x-csrf-token": csrf_token("ended")}):
        for path in ("/auth/me", f"/documents/{made['id']}", f"/documents/{made['id']}/events"):
            async with httpx.AsyncClient(
                base_url=office.server.api, cookies={"collab_session": "ended"}, headers=headers
            ) as browser:
                answer = await browser.get(path)
                assert refused(answer) == (401, "unauthenticated"), path
                gone: Any = answer.headers["set-cookie"]
                assert gone.startswith('collab_session="";')
                assert "max-age=0" in gone.lower()
                browser.cookies.clear()
                assert (await browser.get("/auth/me")).json()["kind"] == "guest"
    for wrong in ("cs_wrong", "x"):
        answer = await office.guest.get("/auth/me", headers={"authorization": f"Bearer {wrong}"})
        assert refused(answer) == (401, "unauthenticated")
        assert "set-cookie" not in answer.headers
