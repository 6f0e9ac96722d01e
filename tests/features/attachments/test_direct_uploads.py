"""Uploads straight into a bucket, at a signed address: what lies there is believed in nothing, and does not stay."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from collab_server.adapters.object_store import ObjectStore
from collab_server.features.attachments import object_queries
from tests.clamd import EICAR, FakeClamd
from tests.features.api_harness import ApiHarness, new_team, open_api, refused
from tests.features.attachments.attaching import attach, noise, picture, processed
from tests.features.attachments.test_uploads import KIND
from tests.object_stores import chunks, listed, read
from tests.people import Person, fetch, run
from tests.s3_server import S3Server, credentials_of_tests

OCTETS = noise(300_000)


@pytest.fixture(scope="module")
async def clamd() -> AsyncIterator[FakeClamd]:
    async with FakeClamd() as running:
        yield running


@pytest.fixture(scope="module")
async def store() -> AsyncIterator[ObjectStore]:
    with credentials_of_tests():
        async with S3Server() as server:
            yield ObjectStore.open(server.url_of("direct"), Path("/nowhere"))


@pytest.fixture(scope="module")
async def direct(
    tmp_path_factory: pytest.TempPathFactory, store: ObjectStore, clamd: FakeClamd
) -> AsyncIterator[ApiHarness]:
    url = f"s3://{store.bucket}/direct?endpoint={await _endpoint(store)}&region=eu-central-1"
    directory = tmp_path_factory.mktemp("direct")
    async with open_api(directory, storage_url=url, clamd_address=clamd.address, trash_days=0) as api:
        yield api


async def _endpoint(store: ObjectStore) -> str:
    signed = httpx.URL(str(await store.presign_get("any", 60)))
    return f"{signed.scheme}://{signed.netloc.decode()}"


def body(octets: bytes, **fields: object) -> dict[str, object]:
    digest = hashlib.sha256(octets).hexdigest()
    return {"file_name": "a.bin", "size_bytes": len(octets), "checksum_sha256": digest, "direct": True, **fields}


async def begin(who: Person, document_id: str, octets: bytes = OCTETS, **fields: object) -> Any:
    answer = await who.post(f"/documents/{document_id}/uploads", json=body(octets, **fields))
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


async def put(upload: Any, octets: bytes = OCTETS) -> None:
    """As a client does: nothing but what the answer says."""
    there = upload["direct"]
    async with httpx.AsyncClient() as client:
        answer = await client.request(there["method"], there["url"], headers=there["headers"], content=octets)
        assert answer.status_code == 200, answer.text


async def complete(who: Person, upload: Any) -> httpx.Response:
    return await who.post(f"/uploads/{upload['id']}/complete")


async def nothing_is_left(api: ApiHarness, store: ObjectStore, upload: Any) -> None:
    """Neither the upload nor an object of it; and whoever puts it again leaves nothing once the address has expired."""
    assert refused(await api.editor.get(f"/uploads/{upload['id']}")) == (404, "not_found")
    await api.server.maintain()
    assert await listed(store, "uploads/") == {}
    await put(upload)
    await run(api.server, "UPDATE object_deletions SET due_at = now() WHERE due_at <= now() + interval '70 minutes'")
    await api.server.maintain()
    assert await listed(store, "uploads/") == {}
    assert await fetch(api.server, "SELECT 1 FROM object_deletions") == []


async def test_a_file_that_was_put_becomes_an_attachment(direct: ApiHarness, store: ObjectStore) -> None:
    made = await direct.make()
    octets = picture()
    upload = await begin(direct.editor, made["id"], octets, file_name="photo.txt", content_type="text/plain")
    assert refused(await complete(direct.editor, upload)) == (409, "conflict"), "nothing is there"
    await put(upload, octets)
    answer = await complete(direct.editor, upload)
    one = answer.json()["attachment"]
    assert one["content_type"] == "image/png", "its type is told from its bytes"
    assert one["checksum_sha256"] == hashlib.sha256(octets).hexdigest()
    assert (await direct.viewer.get(f"/attachments/{one['id']}/content")).content == octets
    assert (await processed(direct.editor, one))["processing_status"] == "complete"
    (row,) = await fetch(direct.server, "SELECT s3_key FROM attachments WHERE id = $1", UUID(one["id"]))
    assert row["s3_key"].endswith(one["checksum_sha256"]) and await read(store, row["s3_key"]) == octets
    again = await complete(direct.editor, upload)
    assert (again.status_code, again.json()["attachment"]["id"]) == (200, one["id"])
    await put(upload, b"other bytes")
    assert (await direct.viewer.get(f"/attachments/{one['id']}/content")).content == octets
    await run(direct.server, "UPDATE object_deletions SET due_at = now()")
    await direct.server.maintain()
    assert await listed(store, "uploads/") == {}


async def test_completing_at_the_same_time_makes_one_attachment(direct: ApiHarness) -> None:
    made = await direct.make()
    upload = await begin(direct.editor, made["id"])
    await put(upload)
    answers = await asyncio.gather(*(complete(direct.editor, upload) for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {200, 409} and 200 in {one.status_code for one in answers}
    items = (await direct.editor.get(f"/documents/{made['id']}/attachments")).json()["items"]
    assert [one["size_bytes"] for one in items] == [len(OCTETS)]


async def test_an_empty_file_and_a_cleaned_picture_are_stored(direct: ApiHarness) -> None:
    made = await direct.make()
    photo = picture(kind="JPEG", comment=b"taken at home")
    sizes = []
    for octets, clean in ((b"", False), (photo, True)):
        upload = await begin(direct.editor, made["id"], octets, without_metadata=clean)
        await put(upload, octets)
        one = (await complete(direct.editor, upload)).json()["attachment"]
        stored = (await direct.viewer.get(f"/attachments/{one['id']}/content")).content
        assert b"taken at home" not in stored
        sizes.append(len(stored))
    assert sizes[0] == 0 and 0 < sizes[1] < len(photo)


@pytest.mark.parametrize(
    ("said", "sent", "refusal"),
    [
        (OCTETS, OCTETS[:-1] + b"?", (422, "unprocessable")),
        (OCTETS, OCTETS[:-1], (422, "unprocessable")),
        (OCTETS, OCTETS + b"?", (413, "too_large")),
        (EICAR, EICAR, (422, "malware_found")),
    ],
    ids=["wrong bytes", "too few", "too many", "malware"],
)
async def test_wrong_files_are_refused_and_leave_nothing(
    direct: ApiHarness, store: ObjectStore, said: bytes, sent: bytes, refusal: tuple[int, str]
) -> None:
    made = await direct.make()
    upload = await begin(direct.editor, made["id"], said)
    await put(upload, sent)
    assert refused(await complete(direct.editor, upload)) == refusal
    assert (await direct.editor.get(f"/documents/{made['id']}/attachments")).json()["items"] == []
    await nothing_is_left(direct, store, upload)


async def test_what_was_put_and_never_completed_expires(direct: ApiHarness, store: ObjectStore) -> None:
    """As after a crash of the client, or of the server."""
    made = await direct.make()
    upload = await begin(direct.editor, made["id"])
    await put(upload)
    await direct.server.kill()
    await direct.server.start()
    await direct.server.maintain()
    assert len(await listed(store, "uploads/")) == 1, "it can still be completed"
    await run(direct.server, "UPDATE uploads SET expires_at = now() - interval '1 s' WHERE attachment_id IS NULL")
    assert refused(await complete(direct.editor, upload)) == (404, "not_found")
    await nothing_is_left(direct, store, upload)


async def test_what_was_given_up_leaves_nothing(direct: ApiHarness, store: ObjectStore) -> None:
    made = await direct.make()
    upload = await begin(direct.editor, made["id"])
    await put(upload)
    assert (await direct.editor.delete(f"/uploads/{upload['id']}")).status_code == 204
    await nothing_is_left(direct, store, upload)


async def test_only_who_edits_the_document_uploads(direct: ApiHarness) -> None:
    made = await direct.make()
    for person, status in ((direct.viewer, 403), (direct.stranger, 404)):
        answer = await person.post(f"/documents/{made['id']}/uploads", json=body(OCTETS))
        assert answer.status_code == status
    upload = await begin(direct.other, made["id"])
    await put(upload)
    for person in (direct.editor, direct.viewer, direct.stranger, direct.guest):
        assert (await complete(person, upload)).status_code in (401, 404)
    await run(
        direct.server,
        "UPDATE workspace_members SET role = 'viewer' WHERE user_id = $1 AND workspace_id = $2",
        [(UUID(direct.other.id), UUID(direct.team))],
    )
    try:
        assert (await complete(direct.other, upload)).status_code in (403, 404)
    finally:
        await run(
            direct.server,
            "UPDATE workspace_members SET role = 'editor' WHERE user_id = $1 AND workspace_id = $2",
            [(UUID(direct.other.id), UUID(direct.team))],
        )
    assert (await complete(direct.other, upload)).status_code == 200


async def test_what_does_not_fit_into_the_storage_is_refused(direct: ApiHarness) -> None:
    team, _ = await new_team(direct.server, direct.staff)
    await run(direct.server, "UPDATE workspaces SET storage_limit_bytes = 400000 WHERE id = $1", [(UUID(team),)])
    made = await direct.make(workspace=team)
    big = noise(400_001)
    answer = await direct.editor.post(f"/documents/{made['id']}/uploads", json=body(big))
    assert refused(answer) == (413, "quota_exceeded")
    upload = await begin(direct.editor, made["id"])
    await put(upload)
    other = await attach(direct.editor, made["id"], noise(200_000, seed=2))
    assert refused(await complete(direct.editor, upload)) == (413, "quota_exceeded")
    await direct.editor.delete(f"/attachments/{other['id']}")
    assert (await complete(direct.editor, upload)).json()["attachment"]["size_bytes"] == len(OCTETS)


async def test_the_scanner_may_be_away_meanwhile(direct: ApiHarness, clamd: FakeClamd) -> None:
    made = await direct.make()
    upload = await begin(direct.editor, made["id"])
    await put(upload)
    await clamd.stop()
    try:
        assert refused(await complete(direct.editor, upload)) == (503, "scanner_unavailable")
    finally:
        await clamd.start()
    assert (await complete(direct.editor, upload)).json()["attachment"]["size_bytes"] == len(OCTETS)


async def test_only_objects_that_no_upload_waits_for_are_strays(direct: ApiHarness, store: ObjectStore) -> None:
    upload = await begin(direct.editor, (await direct.make())["id"])
    await put(upload)
    (row,) = await fetch(direct.server, "SELECT direct_key FROM uploads WHERE id = $1", UUID(upload["id"]))
    stray = "uploads/direct/0000"
    await store.put(stray, chunks(b"of an upload that no database knows"))
    conn = await asyncpg.connect(direct.server.owner_dsn)
    try:
        assert await object_queries.note_orphans(conn, store.bucket, [row["direct_key"], stray]) == 1
    finally:
        await conn.close()
    await direct.server.maintain()
    left = await listed(store, "uploads/direct")
    assert stray not in left and row["direct_key"] in left


async def test_the_two_kinds_of_uploads_do_not_mix(direct: ApiHarness) -> None:
    made = await direct.make()
    upload = await begin(direct.editor, made["id"])
    there = {**KIND, "upload-offset": "0"}
    assert refused(await direct.editor.patch(f"/uploads/{upload['id']}", content=b"x", headers=there))[0] == 409
    parts = {"file_name": "a", "size_bytes": 3, "checksum_sha256": hashlib.sha256(b"abc").hexdigest()}
    answer = await direct.editor.post(f"/documents/{made['id']}/uploads", json=parts)
    assert answer.json()["direct"] is None
    assert refused(await complete(direct.editor, answer.json()))[0] == 409
    wrong = await direct.editor.patch(f"/uploads/{answer.json()['id']}", content=b"abd", headers=there)
    assert refused(wrong) == (422, "unprocessable"), "the checksum holds for parts, too"


@pytest.mark.parametrize("fields", [{"checksum_sha256": None}, {"checksum_sha256": "ab"}, {"size_bytes": -1}])
async def test_wrong_requests_are_refused(direct: ApiHarness, fields: dict[str, object]) -> None:
    made = await direct.make()
    answer = await direct.editor.post(f"/documents/{made['id']}/uploads", json=body(OCTETS, **fields))
    assert refused(answer)[0] == 422


async def test_a_file_beyond_one_request_is_sent_in_parts(tmp_path: Path, direct: ApiHarness) -> None:
    made = await direct.make()
    answer = await direct.editor.post(f"/documents/{made['id']}/uploads", json=body(b"", size_bytes=6_000_000_000))
    assert refused(answer) == (413, "too_large")


async def test_a_folder_has_no_direct_uploads(api: ApiHarness) -> None:
    made = await api.make()
    before = await api.count("uploads")
    answer = await api.editor.post(f"/documents/{made['id']}/uploads", json=body(OCTETS))
    assert refused(answer) == (409, "no_direct_upload")
    assert await api.count("uploads") == before
