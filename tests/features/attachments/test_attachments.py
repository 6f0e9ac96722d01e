"""Attachments over HTTP: what is uploaded is stored once, is told apart by its bytes, and comes back as it was."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from tests.features.api_harness import ApiHarness, code, refused
from tests.features.attachments.attaching import attach, noise, picture, processed, upload
from tests.features.changes.reading import Reader
from tests.people import fetch

SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


async def test_a_file_comes_back_as_it_was(api: ApiHarness) -> None:
    made = await api.make()
    octets = noise(300_000)
    one = await attach(api.editor, made["id"], octets, "data.bin")
    assert (one["file_name"], one["size_bytes"], one["content_type"]) == (
        "data.bin",
        300_000,
        "application/octet-stream",
    )
    assert one["checksum_sha256"] == hashlib.sha256(octets).hexdigest()
    assert one["uploaded_by"]["id"] == api.editor.id
    answer = await api.viewer.get(one["url"].removeprefix("/api/v1"))
    assert answer.content == octets
    assert answer.headers["etag"] == f'"{one["checksum_sha256"]}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]
    (listed,) = (await api.viewer.get(f"/documents/{made['id']}/attachments")).json()["items"]
    assert listed["id"] == one["id"] and listed["download_count"] == 1 and listed["last_accessed_at"]


async def test_an_empty_file_is_stored(api: ApiHarness) -> None:
    made = await api.make()
    one = await attach(api.editor, made["id"], b"", "nothing.txt")
    answer = await api.viewer.get(f"/attachments/{one['id']}/content")
    assert (answer.status_code, answer.content, one["size_bytes"]) == (200, b"", 0)


async def test_a_form_is_taken_like_a_body(api: ApiHarness) -> None:
    made = await api.make()
    octets = noise(200_000)
    answer = await api.editor.post(
        f"/documents/{made['id']}/attachments",
        files={"other": (None, b"dropped"), "file": ("Grüße.bin", octets, "image/png")},
    )
    assert answer.status_code == 201, answer.text
    one = answer.json()
    assert (one["file_name"], one["content_type"]) == ("Grüße.bin", "application/octet-stream")
    assert (await api.viewer.get(f"/attachments/{one['id']}/content")).content == octets


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b"--x\r\n", "multipart/form-data; boundary=x", (400, "malformed")),
        (b"no form", "multipart/form-data; boundary=x", (400, "malformed")),
        (b"", "multipart/form-data", (400, "malformed")),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            (422, "unprocessable"),
        ),
    ],
)
async def test_a_form_without_a_whole_file_is_refused(
    api: ApiHarness, body: bytes, kind: str, expected: tuple[int, str]
) -> None:
    made = await api.make()
    answer = await api.editor.post(f"/documents/{made['id']}/attachments", content=body, headers={"content-type": kind})
    assert refused(answer) == expected


async def test_the_type_is_told_from_the_bytes(api: ApiHarness) -> None:
    made = await api.make()
    for octets, name, claimed in (
        (SVG, "photo.png", "image/png"),
        (b"<html><script>1</script>", "a.txt", "text/plain"),
    ):
        one = await attach(api.editor, made["id"], octets, name, content_type=claimed)
        answer = await api.viewer.get(f"/attachments/{one['id']}/content")
        assert answer.headers["content-disposition"].startswith("attachment"), answer.headers
        assert answer.headers["content-type"].startswith("application/octet-stream"), answer.headers
        assert answer.content == octets


async def test_a_picture_is_shown_and_has_thumbnails(api: ApiHarness) -> None:
    made = await api.make()
    one = await attach(api.editor, made["id"], picture(700, 500), "photo.bin")
    assert one["content_type"] == "image/png"
    done = await processed(api.editor, one)
    assert (done["processing_status"], done["width"], done["height"]) == ("complete", 700, 500)
    assert done["thumbnail_widths"] == [160, 320, 640]
    small = await api.viewer.get(f"/attachments/{one['id']}/thumbnail", params={"width": 200})
    assert small.status_code == 200, small.text
    assert small.headers["content-type"] == "image/webp"
    again = await api.viewer.get(
        f"/attachments/{one['id']}/thumbnail", params={"width": 200}, headers={"if-none-match": small.headers["etag"]}
    )
    assert again.status_code == 304
    whole = await api.viewer.get(f"/attachments/{one['id']}/content")
    assert whole.headers["content-disposition"].startswith("inline")


async def test_a_picture_that_cannot_be_read_stays_a_file(api: ApiHarness) -> None:
    made = await api.make()
    broken = picture()[:200]
    done = await processed(api.editor, await attach(api.editor, made["id"], broken, "broken.png"))
    assert done["processing_status"] == "failed" and done["problem"]
    assert (await api.viewer.get(f"/attachments/{done['id']}/content")).content == broken
    assert refused(await api.viewer.get(f"/attachments/{done['id']}/thumbnail")) == (404, "not_found")


async def test_a_picture_is_cleaned_of_its_metadata_on_request(api: ApiHarness) -> None:
    made = await api.make()
    octets = picture(kind="JPEG", comment=b"taken at home")
    assert b"taken at home" in octets
    answer = await api.editor.post(
        f"/documents/{made['id']}/attachments", params={"file_name": "a.jpg", "without_metadata": True}, content=octets
    )
    assert answer.status_code == 201, answer.text
    stored = (await api.viewer.get(f"/attachments/{answer.json()['id']}/content")).content
    assert b"taken at home" not in stored
    assert answer.json()["checksum_sha256"] == hashlib.sha256(stored).hexdigest()


async def test_the_same_key_gives_the_same_attachment(api: ApiHarness) -> None:
    made = await api.make()
    answers = await asyncio.gather(
        *(upload(api.editor, made["id"], b"once", idempotency_key="a key") for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    later = await attach(api.editor, made["id"], b"once", idempotency_key="a key")
    assert later["id"] == answers[0].json()["id"]
    another = await attach(api.other, made["id"], b"once", idempotency_key="a key")
    assert another["id"] != later["id"], "the key of somebody else"
    items = (await api.viewer.get(f"/documents/{made['id']}/attachments")).json()["items"]
    assert len(items) == 2


async def test_the_same_bytes_are_one_object_until_the_last_row_is_gone(api: ApiHarness) -> None:
    made, other = await api.make(), await api.make()
    octets = noise(5_000, seed=7)
    one, two = await attach(api.editor, made["id"], octets), await attach(api.editor, other["id"], octets)
    rows = await fetch(
        api.server, "SELECT DISTINCT s3_key FROM attachments WHERE id = ANY ($1)", [UUID(one["id"]), UUID(two["id"])]
    )
    (row,) = rows
    file = api.server.data_dir / "files" / row["s3_key"]
    assert file.read_bytes() == octets
    for document in (made, other):
        assert (await api.admin.delete(f"/documents/{document['id']}")).status_code == 204
        assert (await api.admin.delete(f"/documents/{document['id']}/permanently")).status_code in (204, 404)
        await api.server.maintain()
        assert file.exists() == (document is made)


async def test_bytes_that_do_not_have_the_given_digest_are_refused(api: ApiHarness) -> None:
    made = await api.make()
    right = base64.b64encode(hashlib.sha256(b"text").digest()).decode()
    await attach(api.editor, made["id"], b"text", content_digest=f"sha-256=:{right}:")
    wrong = await upload(api.editor, made["id"], b"tex", content_digest=f"sha-256=:{right}:")
    assert refused(wrong) == (422, "unprocessable")
    assert refused(await upload(api.editor, made["id"], b"t", content_digest="sha-256=:x:")) == (400, "malformed")


async def test_a_deleted_attachment_can_be_restored(api: ApiHarness) -> None:
    made = await api.make()
    one = await attach(api.editor, made["id"], b"text", "a.txt")
    assert (await api.editor.delete(f"/attachments/{one['id']}")).status_code == 204
    assert code(await api.viewer.get(f"/attachments/{one['id']}/content")) == "not_found"
    assert (await api.viewer.get(f"/documents/{made['id']}/attachments")).json()["items"] == []
    (deleted,) = (await api.editor.get(f"/documents/{made['id']}/attachments?deleted=true")).json()["items"]
    assert deleted["deleted_at"]
    assert refused(await api.viewer.get(f"/documents/{made['id']}/attachments?deleted=true"))[0] == 403
    back = await api.editor.post(f"/attachments/{one['id']}/restore")
    assert back.status_code == 200 and back.json()["deleted_at"] is None
    assert (await api.viewer.get(f"/attachments/{one['id']}/content")).content == b"text"


async def test_an_attachment_is_renamed_unless_it_was_changed_meanwhile(api: ApiHarness) -> None:
    made = await api.make()
    one = await attach(api.editor, made["id"], b"text", "a.txt")
    path = f"/attachments/{one['id']}"
    renamed = await api.editor.patch(path, json={"file_name": "b.txt"}, headers={"if-match": '"r1"'})
    assert renamed.json()["file_name"] == "b.txt"
    late = await api.editor.patch(path, json={"file_name": "c.txt"}, headers={"if-match": '"r1"'})
    assert refused(late) == (412, "precondition_failed")


async def test_who_may_only_read_does_not_write(api: ApiHarness) -> None:
    made = await api.make()
    one = await attach(api.editor, made["id"], b"text")
    for person in (api.viewer, api.commenter):
        assert refused(await upload(person, made["id"], b"x"))[0] == 403
        assert refused(await person.delete(f"/attachments/{one['id']}"))[0] == 403
        assert refused(await person.patch(f"/attachments/{one['id']}", json={"file_name": "x"}))[0] == 403
    for path in (
        f"/attachments/{one['id']}",
        f"/attachments/{one['id']}/content",
        f"/documents/{made['id']}/attachments",
    ):
        assert refused(await api.stranger.get(path))[0] == 404
    assert refused(await upload(api.stranger, made["id"], b"x"))[0] == 404


async def test_everybody_sees_the_pictures_of_a_public_document(api: ApiHarness) -> None:
    made = await api.make()
    opened = await api.owner.patch(f"/documents/{made['id']}", json={"is_public": True})
    assert opened.status_code == 200, opened.text
    one = await attach(api.editor, made["id"], b"text")
    for path in (f"/attachments/{one['id']}/content", f"/documents/{made['id']}/attachments"):
        assert (await api.stranger.get(path)).status_code == 200
        assert (await api.guest.get(path)).status_code == 200


async def test_a_signed_address_needs_no_credential_and_reads_one_file(api: ApiHarness) -> None:
    made = await api.make()
    one, two = await attach(api.editor, made["id"], b"one"), await attach(api.editor, made["id"], b"two")
    signed = one["signed_url"].removeprefix("/api/v1")
    assert (await api.stranger.get(signed)).content == b"one"
    assert (await api.guest.get(signed)).content == b"one"
    for wrong in (
        signed.replace(one["id"], two["id"]),
        signed[:-3] + "xyz",
        signed.replace("expires=1", "expires=2"),
        signed.partition("&")[0],
    ):
        assert (await api.stranger.get(wrong)).status_code == 404, wrong


async def test_events_and_the_feed_tell_of_attachments(api: ApiHarness) -> None:
    made = await api.make()
    reader = await Reader(api.viewer, api.team).begin()
    one = await attach(api.editor, made["id"], b"text")
    await api.editor.delete(f"/attachments/{one['id']}")
    await api.editor.post(f"/attachments/{one['id']}/restore")
    found: list[str] = []
    while "create" not in found[1:]:
        found += [item["operation"] for item in await reader.page(wait=20) if item["entity_id"] == one["id"]]
    assert "delete" in found or found.count("create") == 2, found
    audit = (await api.owner.get(f"/workspaces/{api.team}/activity", params={"limit": 100})).json()["items"]
    actions = [entry["action"] for entry in audit if entry["entity_id"] == one["id"]]
    assert sorted(actions) == ["create", "delete", "restore"]


@pytest.mark.parametrize(
    ("asked", "status", "expected"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=4-", 206, b"456789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=5-100", 206, b"56789"),
        ("bytes=0-0,2-3", 200, b"0123456789"),
        ("bytes=-", 200, b"0123456789"),
        ("bytes=7-2", 200, b"0123456789"),
        ("bytes=10-", 416, b""),
        ("bytes=-0", 416, b""),
    ],
)
async def test_a_range_is_a_part_of_the_file(api: ApiHarness, asked: str, status: int, expected: bytes) -> None:
    made = await api.make()
    one = await attach(api.editor, made["id"], b"0123456789")
    path = f"/attachments/{one['id']}/content"
    answer = await api.viewer.get(path, headers={"range": asked})
    assert answer.status_code == status
    if status == 416:
        assert code(answer) == "range_beyond_end" and answer.headers["content-range"] == "bytes */10"
        return
    assert answer.content == expected
    if status == 206:
        assert answer.headers["content-range"].endswith("/10")
        stale = await api.viewer.get(path, headers={"range": asked, "if-range": '"another"'})
        assert (stale.status_code, stale.content) == (200, b"0123456789")
    head = await api.viewer.request("HEAD", path)
    assert head.headers["content-length"] == "10" and not head.content


async def test_a_request_that_ends_early_stores_nothing(api: ApiHarness) -> None:
    made = await api.make()

    async def broken() -> AsyncIterator[bytes]:
        yield noise(100_000)
        raise RuntimeError("the client goes away")

    with pytest.raises((RuntimeError, httpx.HTTPError)):
        await api.editor.post(f"/documents/{made['id']}/attachments", params={"file_name": "a"}, content=broken())
    assert (await api.viewer.get(f"/documents/{made['id']}/attachments")).json()["items"] == []
