"""A workspace leaves as a zip that every tool opens, and comes back as it was."""

import io
import json
import shutil
import subprocess
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pycrdt
import pytest

from tests.features.api_harness import PLAYGROUND, ApiHarness, refused
from tests.features.exports.examples import specification
from tests.peers import Peer
from tests.people import Person


async def space(who: Person, name: str = "Team") -> str:
    """The id of a new workspace of this person."""
    answer = await who.post("/workspaces", json={"name": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def archived(who: Person, workspace: str, *formats: str) -> zipfile.ZipFile:
    answer = await who.get(f"/workspaces/{workspace}/export", params={"format": list(formats)} if formats else {})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    found = zipfile.ZipFile(io.BytesIO(answer.content))
    assert found.testzip() is None
    return found


def manifest_of(archive: zipfile.ZipFile) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(archive.read("manifest.json"))
    return told


async def sent(who: Person, workspace: str, file: bytes, **params: Any) -> dict[str, Any]:
    answer = await who.post(f"/workspaces/{workspace}/import", content=file, params=params)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def raw(archive: zipfile.ZipFile) -> bytes:
    assert archive.fp is not None
    archive.fp.seek(0)
    return archive.fp.read()


def comparable(entry: dict[str, Any], *without: str) -> dict[str, Any]:
    own = {"id", "created_by", "created_at", "updated_at", "last_edited_at", *without}
    return {name: value for name, value in entry.items() if name not in own}


async def test_a_workspace_comes_back_from_its_archive_as_it_was(
    api: ApiHarness, markdown_examples: list[str], tmp_path: Path
) -> None:
    owner = api.owner
    home = await space(owner, "Höme")
    path = f"/workspaces/{home}"
    outer = (await owner.post(f"{path}/categories", json={"name": "Work"})).json()["id"]
    inner = (await owner.post(f"{path}/categories", json={"name": "Plans/2026", "parent_id": outer})).json()["id"]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    bodies: list[dict[str, Any]] = [
        {"title": "Specification", "content": specification(), "tags": ["Markdown", "CommonMark"]},
        {"title": "CON", "content": "a device", "category_id": inner, "name": "the-con", "status": "active"},
        {"title": "con", "content": "another", "category_id": inner, "priority": "high"},
        {"title": "../../etc/passwd", "content": "out", "description": "A\nB", "expires_at": tomorrow},
        {"title": "Link", "type": "bookmark", "metadata": {"url": "https://example.org", "own": [1, None]}},
        {"title": "Key", "type": "password", "content_encrypted": "c2VjcmV0", "encryption": {"alg": "x"}},
        {"title": "Start", "is_template": True, "content": "# {title}", "settings": {"editor_mode": "split"}},
        *({"title": f"Example {n}", "content": text} for n, text in enumerate(markdown_examples) if n % 40 == 0),
    ]
    for body in bodies:
        assert (await owner.post(f"{path}/documents", json=body)).status_code == 201
    gone = (await owner.post(f"{path}/documents", json={"title": "Gone"})).json()["id"]
    assert (await owner.delete(f"/documents/{gone}")).status_code == 204

    first = await archived(owner, home)
    told = manifest_of(first)
    assert [entry["title"] for entry in told["documents"]] == [body["title"] for body in bodies]
    names = first.namelist()
    assert len({name.lower() for name in names}) == len(names)
    assert {"Work/Plans 2026/CON_.md", "Work/Plans 2026/con_ (2).yjs", "etc passwd.md"} <= set(names)
    assert first.read("Specification.md").decode() == specification()
    if shutil.which("unzip"):
        (tmp_path / "a.zip").write_bytes(raw(first))
        subprocess.run(["unzip", "-tqq", tmp_path / "a.zip"], check=True)

    other = await space(owner, "Other")
    result = await sent(owner, other, raw(first), name="a.zip")
    assert (result["created"], result["failed"]) == (len(bodies), 0), result
    assert not any(item["notes"] for item in result["items"])
    second = await archived(owner, other)
    assert [comparable(e) for e in manifest_of(second)["documents"]] == [comparable(e) for e in told["documents"]]
    for name in names:
        if name != "manifest.json":
            assert state(second.read(name), name) == state(first.read(name), name), name
    # Once more into the same one: names are taken, categories are found again.
    again = await sent(owner, other, raw(second), name="a.zip")
    assert again["created"] == len(bodies)
    assert [item["notes"] for item in again["items"] if item["notes"]] == [
        ["without its name, which another document here has"]
    ]
    assert len((await owner.get(f"/workspaces/{other}/categories")).json()["items"]) == 2


def state(file: bytes, name: str) -> Any:
    """Of an update what it is an update to, for it can be written in several ways."""
    if not name.endswith(".yjs"):
        return file
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    doc.apply_update(file)
    return doc.get_state(), str(doc.get("content", type=pycrdt.Text))


async def test_what_is_typed_now_is_in_the_archive_and_what_cannot_be_made_is_noted(api: ApiHarness) -> None:
    owner = api.owner
    home = await space(owner)
    live = await api.make(owner, home, title="Live", name="live")
    await api.make(owner, home, title="Long", content="x" * 1_000_001)
    slug = next(w["slug"] for w in (await owner.get("/workspaces")).json()["items"] if w["id"] == home)
    peer = await Peer(api.server, "yws", f"{slug}/live", token=owner.token).sync()
    try:
        peer.insert("typed a moment ago")
        await peer.saved()
        archive = await archived(owner, home, "txt", "docx", "pdf", "json")
        assert archive.read("Live.txt") == b"typed a moment ago\n"
        assert json.loads(archive.read("Live.json"))["id"] == live["id"]
        long = manifest_of(archive)["documents"][1]
        assert long["files"] == {"json": "Long.json"}
        assert all(reason.startswith("too_large: ") for reason in long["failed"].values())
    finally:
        await peer.close()


async def test_owners_and_administrators_export_workspaces_and_nobody_else(api: ApiHarness) -> None:
    path = f"/workspaces/{api.team}/export"
    for who in (api.owner, api.admin, await api.admin.with_scope("read")):
        assert (await who.get(path)).status_code == 200
    for who in (api.editor, api.commenter, api.viewer):
        assert refused(await who.get(path)) == (403, "forbidden")
    assert refused(await api.stranger.get(path)) == (404, "not_found")
    assert refused(await api.guest.get(f"/workspaces/{PLAYGROUND}/export")) == (403, "forbidden")


async def test_an_empty_workspace_is_an_archive_too(api: ApiHarness) -> None:
    home = await space(api.owner)
    archive = await archived(api.owner, home)
    assert manifest_of(archive)["documents"] == []
    assert (await sent(api.owner, home, raw(archive), name="a.zip"))["items"] == []


@pytest.mark.parametrize("form", ["exe", ""])
async def test_an_unknown_format_is_refused(api: ApiHarness, form: str) -> None:
    answer = await api.owner.get(f"/workspaces/{api.team}/export", params={"format": form})
    assert refused(answer) == (422, "invalid")
