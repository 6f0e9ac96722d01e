"""Uploads in parts: an interrupted one goes on where it ended, and what is given up leaves nothing."""

import asyncio
import base64
import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from tests.features.api_harness import ApiHarness, refused
from tests.features.attachments.attaching import noise, picture
from tests.people import Person, fetch, run

KIND = {"content-type": "application/offset+octet-stream"}
PART = 8 << 20


async def begin(who: Person, document_id: str, size: int, name: str = "film.bin", **fields: object) -> Any:
    body = {"file_name": name, "size_bytes": size, **fields}
    answer = await who.post(f"/documents/{document_id}/uploads", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/api/v1/uploads/{answer.json()['id']}"
    return answer.json()


async def send(who: Person, upload: Any, offset: int, octets: bytes, **headers: str) -> httpx.Response:
    given = {**KIND, "upload-offset": str(offset), **{key.replace("_", "-"): headers[key] for key in headers}}
    return await who.patch(f"/uploads/{upload['id']}", content=octets, headers=given)


def stored_parts(api: ApiHarness) -> list[Path]:
    return [path for path in (api.server.data_dir / "files" / "uploads").rglob("*") if path.is_file()]


async def test_a_file_in_parts_becomes_an_attachment(api: ApiHarness) -> None:
    made = await api.make()
    octets = noise(PART + 700_000)
    upload = await begin(api.editor, made["id"], len(octets))
    middle = PART + 1000
    first = await send(api.editor, upload, 0, octets[:middle])
    assert (first.status_code, first.json()["offset"], first.json()["attachment"]) == (200, middle, None)
    head = await api.editor.request("HEAD", f"/uploads/{upload['id']}")
    assert (head.headers["upload-offset"], head.headers["upload-length"]) == (str(middle), str(len(octets)))
    digest = base64.b64encode(hashlib.sha256(octets).digest()).decode()
    last = await send(api.editor, upload, middle, octets[middle:], content_digest=f"sha-256=:{digest}:")
    one = last.json()["attachment"]
    assert one["checksum_sha256"] == hashlib.sha256(octets).hexdigest()
    assert (await api.viewer.get(f"/attachments/{one['id']}/content")).content == octets
    again = await send(api.editor, upload, len(octets), b"")
    assert again.json()["attachment"]["id"] == one["id"]
    await api.server.maintain()
    assert stored_parts(api) == []


async def test_an_interrupted_request_keeps_what_has_come(api: ApiHarness) -> None:
    made = await api.make()
    octets = noise(2 * PART + 5000)
    upload = await begin(api.editor, made["id"], len(octets))

    async def broken() -> AsyncIterator[bytes]:
        yield octets[: PART + 3000]
        raise RuntimeError("the client goes away")

    with suppress(RuntimeError, httpx.HTTPError):
        await api.editor.patch(f"/uploads/{upload['id']}", content=broken(), headers={**KIND, "upload-offset": "0"})
    offset = 0
    while offset == 0:
        offset = int((await api.editor.request("HEAD", f"/uploads/{upload['id']}")).headers["upload-offset"])
    done = await send(api.editor, upload, offset, octets[offset:])
    while done.status_code == 409:  # The server stored the rest of the interrupted request meanwhile.
        offset = int((await api.editor.request("HEAD", f"/uploads/{upload['id']}")).headers["upload-offset"])
        done = await send(api.editor, upload, offset, octets[offset:])
    assert done.status_code == 200, done.text
    one = done.json()["attachment"]
    assert offset >= PART
    assert (await api.viewer.get(f"/attachments/{one['id']}/content")).content == octets


async def test_a_picture_in_parts_is_cleaned_of_its_metadata(api: ApiHarness) -> None:
    made = await api.make()
    octets = picture(kind="JPEG", comment=b"taken at home")
    digest = base64.b64encode(hashlib.sha256(octets).digest()).decode()
    kept: dict[bool, Any] = {}
    for clean in (True, False):
        upload = await begin(api.editor, made["id"], len(octets), "a.jpg", without_metadata=clean)
        assert (await send(api.editor, upload, 0, octets[:100])).status_code == 200
        last = await send(api.editor, upload, 100, octets[100:], content_digest=f"sha-256=:{digest}:")
        kept[clean] = last.json()["attachment"]
    stored = (await api.viewer.get(f"/attachments/{kept[True]['id']}/content")).content
    assert b"taken at home" not in stored and Image.open(io.BytesIO(stored)).size == (700, 500)
    assert kept[True]["checksum_sha256"] == hashlib.sha256(stored).hexdigest()
    assert (await api.viewer.get(f"/attachments/{kept[False]['id']}/content")).content == octets


async def test_a_picture_in_parts_that_cannot_be_cleaned_is_refused(api: ApiHarness) -> None:
    made = await api.make()
    octets = picture()[:200]
    upload = await begin(api.editor, made["id"], len(octets), "a.png", without_metadata=True)
    assert refused(await send(api.editor, upload, 0, octets)) == (422, "unprocessable")
    assert refused(await api.editor.get(f"/uploads/{upload['id']}")) == (404, "not_found")
    await api.server.maintain()
    assert stored_parts(api) == []


async def test_wrong_offsets_and_sizes_are_refused(api: ApiHarness) -> None:
    made = await api.make()
    upload = await begin(api.editor, made["id"], 10)
    assert refused(await send(api.editor, upload, 3, b"x")) == (409, "conflict")
    assert refused(await send(api.editor, upload, 0, b"x" * 11)) == (413, "too_large")
    answer = await api.editor.patch(f"/uploads/{upload['id']}", content=b"x", headers=KIND)
    assert refused(answer) == (400, "malformed")
    answer = await api.editor.patch(f"/uploads/{upload['id']}", content=b"x", headers={"upload-offset": "0"})
    assert refused(answer) == (415, "unsupported_media_type")
    wrong = base64.b64encode(bytes(32)).decode()
    assert refused(await send(api.editor, upload, 0, b"x" * 10, content_digest=f"sha-256=:{wrong}:"))[0] == 422
    assert refused(await api.editor.get(f"/uploads/{upload['id']}")) == (404, "not_found")


async def test_two_requests_with_the_same_offset_do_not_mix(api: ApiHarness) -> None:
    made = await api.make()
    upload = await begin(api.editor, made["id"], 100_000)
    first, second = noise(100_000, seed=1), noise(100_000, seed=2)
    answers = await asyncio.gather(send(api.editor, upload, 0, first), send(api.editor, upload, 0, second))
    assert sorted(answer.status_code for answer in answers) in ([200, 409], [200, 200])
    done = (await api.editor.get(f"/uploads/{upload['id']}")).json()["attachment"]
    content = (await api.viewer.get(f"/attachments/{done['id']}/content")).content
    assert content in (first, second)


async def test_an_upload_is_its_owners_alone(api: ApiHarness) -> None:
    made = await api.make()
    upload = await begin(api.editor, made["id"], 10)
    for person in (api.other, api.viewer, api.stranger):
        assert refused(await person.get(f"/uploads/{upload['id']}"))[0] == 404
        assert refused(await send(person, upload, 0, b"x"))[0] == 404
    assert (
        refused(await api.viewer.post(f"/documents/{made['id']}/uploads", json={"file_name": "a", "size_bytes": 1}))[0]
        == 403
    )


async def test_what_is_given_up_or_expires_leaves_nothing(api: ApiHarness) -> None:
    made = await api.make()
    given_up, forgotten = [await begin(api.editor, made["id"], 1000) for _ in range(2)]
    for upload in (given_up, forgotten):
        assert (await send(api.editor, upload, 0, b"x" * 10)).json()["offset"] == 10
    assert (await api.editor.delete(f"/uploads/{given_up['id']}")).status_code == 204
    await run(api.server, "UPDATE uploads SET expires_at = now() - interval '1 s' WHERE attachment_id IS NULL")
    assert refused(await send(api.editor, forgotten, 10, b"x"))[0] == 404
    await api.server.maintain()
    assert stored_parts(api) == []
    assert await fetch(api.server, "SELECT 1 FROM object_deletions") == []
