"""What files a workspace takes: less than the server, as its administrators say, in every way of upload."""

import hashlib
import io
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.features.api_harness import ApiHarness, new_team, open_api, refused
from tests.features.attachments.attaching import attach, noise, picture, upload
from tests.features.attachments.test_uploads import KIND, begin, send
from tests.people import Person
from tests.s3_server import S3Server, credentials_of_tests

MOST = 200_000
SERVER_MOST = 1_000_000
SMALL, LARGE = picture(40, 30), picture(40, 30) + bytes(MOST)
HIDDEN = b"<!doctype html><script>1</script>"
"""Called a picture by its name and its Content-Type."""
Way = Callable[[ApiHarness, str, bytes], Awaitable[httpx.Response]]


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    """A server whose files are in a bucket."""
    with credentials_of_tests():
        async with S3Server() as bucket:
            settings = {"storage_url": bucket.url_of("limits"), "max_attachment_bytes": SERVER_MOST}
            async with open_api(tmp_path_factory.mktemp("limits"), **settings) as running:
                yield running


@pytest.fixture
async def place(api: ApiHarness) -> str:
    """A workspace of the same people that takes small pictures and PDF files."""
    team, _ = await new_team(api.server, api.staff)
    await limit(api.admin, team, max_bytes=MOST, types=["image/*", "application/pdf"])
    return team


async def limit(who: Person, workspace: str, **limits: object) -> None:
    answer = await who.patch(f"/workspaces/{workspace}", json={"settings": {"attachments": limits}})
    assert answer.status_code == 200, answer.text


async def in_parts(api: ApiHarness, document: str, octets: bytes) -> httpx.Response:
    answer = await api.editor.post(
        f"/documents/{document}/uploads", json={"file_name": "a.png", "size_bytes": len(octets)}
    )
    return await send(api.editor, answer.json(), 0, octets) if answer.status_code == 201 else answer


async def direct(api: ApiHarness, document: str, octets: bytes) -> httpx.Response:
    digest = hashlib.sha256(octets).hexdigest()
    body = {"file_name": "a.png", "size_bytes": len(octets), "checksum_sha256": digest, "direct": True}
    answer = await api.editor.post(f"/documents/{document}/uploads", json=body)
    if answer.status_code != 201:
        return answer
    async with httpx.AsyncClient() as client:
        (await client.put(answer.json()["direct"]["url"], content=octets)).raise_for_status()
    return await api.editor.post(f"/uploads/{answer.json()['id']}/complete")


async def unannounced(api: ApiHarness, document: str, octets: bytes) -> httpx.Response:
    """Without a Content-Length."""

    async def stream() -> AsyncIterator[bytes]:
        yield octets

    path = f"/documents/{document}/attachments"
    return await api.editor.post(path, params={"file_name": "a.png"}, content=stream())


WAYS: dict[str, Way] = {
    "body": lambda api, document, octets: upload(api.editor, document, octets, "a.png"),
    "body without a length": unannounced,
    "form": lambda api, document, octets: api.editor.post(
        f"/documents/{document}/attachments", files={"file": ("a.png", octets, "image/png")}
    ),
    "parts": in_parts,
    "direct": direct,
}


async def files_of(api: ApiHarness, document: str) -> list[Any]:
    items: list[Any] = (await api.editor.get(f"/documents/{document}/attachments")).json()["items"]
    return items


async def test_every_way_keeps_to_the_limits(api: ApiHarness, place: str) -> None:
    made = await api.make(workspace=place)
    for way, ask in WAYS.items():
        large, hidden = await ask(api, made["id"], LARGE), await ask(api, made["id"], HIDDEN)
        assert refused(large) == (413, "too_large"), way
        assert f"at most {MOST} bytes" in large.json()["detail"], way
        assert refused(hidden) == (415, "type_not_allowed"), way
        assert "text/html" in hidden.json()["detail"], way
    assert await files_of(api, made["id"]) == []
    assert await api.count("uploads") == 0, "what can never become an attachment does not stay"
    for ask in WAYS.values():
        assert (await ask(api, made["id"], SMALL)).is_success
    assert {one["content_type"] for one in await files_of(api, made["id"])} == {"image/png"}
    assert len(await files_of(api, made["id"])) == len(WAYS)


async def test_imports_leave_out_what_the_workspace_does_not_take(api: ApiHarness, place: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("note.md", "# Note\n\n![](small.png) ![](large.png) [data](data.bin)\n")
        archive.writestr("small.png", SMALL)
        archive.writestr("large.png", LARGE)
        archive.writestr("data.bin", noise(100))
    answer = await api.editor.post(f"/workspaces/{place}/import", params={"name": "a.zip"}, content=packed.getvalue())
    (item,) = answer.json()["items"]
    assert [one["file_name"] for one in await files_of(api, item["document"]["id"])] == ["small.png"]
    notes = "\n".join(item["notes"])
    assert f"at most {MOST} bytes" in notes and "large.png" in notes
    assert "data.bin" in notes and "application/octet-stream" in notes


async def test_limits_that_are_lowered_meanwhile_hold_at_the_end(api: ApiHarness, place: str) -> None:
    made = await api.make(workspace=place)
    octets = picture(40, 30)
    begun = await begin(api.editor, made["id"], len(octets), "a.png")
    await send(api.editor, begun, 0, octets[:50])
    await limit(api.owner, place, max_bytes=60)
    assert refused(await send(api.editor, begun, 50, octets[50:])) == (413, "too_large")
    await limit(api.owner, place)
    done = await api.editor.patch(
        f"/uploads/{begun['id']}", content=b"", headers={**KIND, "upload-offset": str(len(octets))}
    )
    assert done.json()["attachment"]["size_bytes"] == len(octets)


async def test_files_that_are_there_stay_and_can_be_copied(api: ApiHarness, place: str) -> None:
    made = await api.make(workspace=place)
    one = await attach(api.editor, made["id"], SMALL, "a.png")
    await limit(api.owner, place, types=["application/pdf"], max_bytes=10)
    assert (await api.viewer.get(f"/attachments/{one['id']}/content")).content == SMALL
    assert (await api.editor.post(f"/documents/{made['id']}/duplicate", json={})).status_code == 201


async def test_the_limits_are_shown_to_members(api: ApiHarness, place: str) -> None:
    usage = (await api.viewer.get(f"/workspaces/{place}/usage")).json()
    assert (usage["attachment_max_bytes"], usage["attachment_types"]) == (MOST, ["image/*", "application/pdf"])
    usual = (await api.viewer.get(f"/workspaces/{api.team}/usage")).json()
    assert (usual["attachment_max_bytes"], usual["attachment_types"]) == (SERVER_MOST, None)


async def test_only_administrators_of_the_workspace_set_limits_and_only_lower_ones(api: ApiHarness, place: str) -> None:
    given = {"settings": {"attachments": {"max_bytes": 1}}}
    for person in (api.editor, api.commenter, api.viewer):
        assert refused(await person.patch(f"/workspaces/{place}", json=given))[0] == 403
    faults: tuple[dict[str, object], ...] = (
        {"max_bytes": SERVER_MOST + 1},
        {"max_bytes": 0},
        {"max_bytes": "9"},
        {"types": []},
        {"types": ["image"]},
        {"types": ["*/*"]},
        {"types": ["image/png; q=1"]},
        {"bytes": 1},
    )
    for wrong in faults:
        body = {"settings": {"attachments": wrong}}
        assert refused(await api.owner.patch(f"/workspaces/{place}", json=body))[0] == 422, wrong
        assert refused(await api.owner.post("/workspaces", json={"name": "Other", **body}))[0] == 422, wrong
    kept = (await api.owner.get(f"/workspaces/{place}")).json()["settings"]
    assert kept == {"attachments": {"max_bytes": MOST, "types": ["image/*", "application/pdf"]}}
    await limit(api.owner, place, max_bytes=SERVER_MOST)
