"""`collab-server document history|at|restore --version` beside a running server."""

import json
from pathlib import Path
from uuid import uuid4

from tests.features.api_harness import ApiHarness
from tests.features.exports.test_commands import ran
from tests.features.history.test_history_api import content, name_version, typed
from tests.peers import Peer
from tests.people import fetch


async def test_history_lists_versions_and_sessions(api: ApiHarness, tmp_path: Path) -> None:
    made = await api.make(content="one\n", name="told")
    assert (await ran(api, "document", "history", made["id"], folder=tmp_path))[1].startswith(b"no versions\n\nFROM")
    await name_version(api.editor, made, label="First")
    await typed(api, api.other, made, "two\n", 4)
    await name_version(api.other, made, change_description="A line more")
    status, output, errors = await ran(api, "document", "history", f"@{api.slug}/told", folder=tmp_path)
    assert (status, errors) == (0, "")
    versions, _, sessions = output.decode().partition("\n\n")
    assert [line.split()[0] for line in versions.splitlines()] == ["VERSION", "2", "1"]
    assert versions.splitlines()[0].split("  ")[-1] == "LABEL"
    assert versions.splitlines()[1].endswith("A line more") and " +1 -0 ~0 " in versions.splitlines()[1]
    assert versions.splitlines()[2].endswith("First")
    status, output, _ = await ran(api, "document", "history", made["id"], "--json", folder=tmp_path)
    shown = json.loads(output)
    listed = (await api.viewer.get(f"/documents/{made['id']}/history")).json()["items"]
    assert shown["sessions"] == listed
    assert listed[0]["author"]["name"] in sessions.splitlines()[1]
    assert [(one["number"], one["label"]) for one in shown["versions"]] == [(2, None), (1, "First")]
    status, output, _ = await ran(api, "document", "history", made["id"], "--limit", "1", "--json", folder=tmp_path)
    assert {name: len(rows) for name, rows in json.loads(output).items()} == {"versions": 1, "sessions": 1}
    assert await ran(api, "document", "history", "nowhere/at-all", folder=tmp_path) == (
        1,
        b"",
        "collab-server: there is no document nowhere/at-all\n",
    )


async def test_a_guests_name_cannot_steer_the_terminal(api: ApiHarness, tmp_path: Path) -> None:
    made = await api.make(api.admin, "00000000-0000-0000-0000-000000000002")
    guest = await Peer(api.server, "yws", made["id"]).sync()
    guest.announce((guest.doc.client_id, 1, json.dumps({"user": {"name": "Otter\x1b[2J\nroot"}})))
    guest.insert("words")
    await guest.saved()
    await guest.close()
    _, output, _ = await ran(api, "document", "history", made["id"], folder=tmp_path)
    assert output.isascii() and b"\x1b" not in output
    assert len(output.splitlines()) == 4


async def test_the_content_at_a_moment(api: ApiHarness, tmp_path: Path) -> None:
    made = await api.make(content="# One\n")
    await typed(api, api.other, made, "two\n", 6)
    path = f"/documents/{made['id']}"
    [later, first] = (await api.viewer.get(f"{path}/history")).json()["items"]
    for moment in (("--seq", str(first["to_seq"])), ("--time", first["last_at"])):
        assert await ran(api, "document", "at", made["id"], *moment, folder=tmp_path) == (0, b"# One\n", "")
    now = ("document", "at", made["id"], "--seq", str(later["to_seq"]))
    assert (await ran(api, *now, "--format", "text", folder=tmp_path))[1] == b"One\ntwo\n"
    assert (await ran(api, *now, "--to", "x.md", folder=tmp_path))[:2] == (0, b"")
    assert (tmp_path / "x.md").read_text() == "# One\ntwo\n"
    _, update, _ = await ran(api, *now, "--format", "yjs", folder=tmp_path)
    answer = await api.viewer.get(f"{path}/at", params={"seq": later["to_seq"], "format": "yjs"})
    assert update == answer.content
    for wrong in ((), ("--seq", "1", "--time", "2026-01-01"), ("--time", "soon"), ("--seq", "-1")):
        assert (await ran(api, "document", "at", made["id"], *wrong, folder=tmp_path))[0] == 2
    status, _, errors = await ran(api, *now, "--to", "no/x.md", folder=tmp_path)
    assert (status, errors) == (1, "collab-server: no/x.md cannot be written: No such file or directory\n")
    status, _, errors = await ran(api, "document", "at", str(uuid4()), "--seq", "1", folder=tmp_path)
    assert (status, errors.startswith("collab-server: there is no document ")) == (1, True)


async def test_a_version_is_restored_while_a_server_runs(api: ApiHarness, tmp_path: Path) -> None:
    made = await api.make(content="The first text")
    await name_version(api.editor, made)
    peer = await Peer(api.server, "yws", made["id"], token=api.other.token).sync()
    del peer.text[4:10]
    await peer.saved()
    restore = ("document", "restore", made["id"], "--version")
    told = await ran(api, *restore, "1", folder=tmp_path)
    assert told == (0, f"{made['id']}  version 1 is restored; version 2 has the content before\n".encode(), "")
    await peer.until(lambda: peer.content == "The first text", "the restored text in an open editor")
    peer.insert("!", 14)
    await peer.saved()
    assert await content(api, made) == "The first text!"
    undone = await ran(api, *restore, "2", "--as", api.editor.email, folder=tmp_path)
    assert undone[0] == 0
    await peer.close()
    assert await content(api, made) == "The text"
    same = await ran(api, *restore, "2", folder=tmp_path)
    assert same == (0, f"{made['id']}  has the content of version 2 already\n".encode(), "")
    query = "SELECT created_by FROM document_versions WHERE document_id::text = $1 ORDER BY version_number"
    makers = [str(row["created_by"]) for row in await fetch(api.server, query, made["id"])]
    assert makers[:3] == [api.editor.id, "None", api.editor.id]
    sessions = (await api.viewer.get(f"/documents/{made['id']}/history")).json()["items"]
    [operator] = [one for one in sessions if one["author"]["kind"] == "unknown"]
    assert (operator["author"]["device"], operator["inserted"]) == ("operator", 6)
    [editor] = [one for one in sessions if (one["author"]["id"], one["author"]["kind"]) == (api.editor.id, "user")]
    assert editor["deleted"] == 7
    for wrong, reason in (
        ((*restore, "99"), "there is no such version"),
        (("document", "restore", str(uuid4()), "--version", "1"), "there is no document"),
        ((*restore, "1", "--as", "nobody@example.com"), "there is no user nobody@example.com"),
    ):
        status, _, errors = await ran(api, *wrong, folder=tmp_path)
        assert status == 1 and reason in errors
    for usage in ((*restore, "0"), (*restore, "1", "--workspace", api.slug), (*restore[:3], "--as", "x@example.com")):
        assert (await ran(api, *usage, folder=tmp_path))[0] == 2
