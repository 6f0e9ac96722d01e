"""Versions before edits that remove much of a text."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from tests.features.api_harness import ApiHarness, open_api
from tests.peers import Peer
from tests.people import fetch, run
from tests.waiting import until

LINES = "".join(f"line {number}\n" for number in range(60))


async def versions(api: ApiHarness, document: dict[str, Any]) -> list[tuple[str, str | None, str]]:
    path = f"/documents/{document['id']}/versions"
    listed = (await api.viewer.get(path)).json()["items"]
    return [
        (one["kind"], one["created_by"], (await api.viewer.get(f"{path}/{one['number']}/content")).text)
        for one in listed
    ]


async def put(api: ApiHarness, document: dict[str, Any], text: str, **headers: str) -> None:
    answer = await api.editor.put(
        f"/documents/{document['id']}/content", content=text, headers={"content-type": "text/markdown", **headers}
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("text", ["", "line 1\n", "something else"])
async def test_a_new_text_that_removes_much_keeps_the_old_one(api: ApiHarness, text: str) -> None:
    made = await api.make(content=LINES)
    await put(api, made, text)
    assert await versions(api, made) == [("before-deletion", api.editor.id, LINES)]
    assert (await api.viewer.get(f"/documents/{made['id']}/content")).text == text


async def test_a_patch_that_removes_much_keeps_the_old_text(api: ApiHarness) -> None:
    made = await api.make(content=LINES)
    path = f"/documents/{made['id']}/content"
    edits = [{"find": LINES[:400], "replace": ""}]
    answer = await api.editor.patch(path, json={"edits": edits})
    assert answer.status_code == 200, answer.text
    assert await versions(api, made) == [("before-deletion", api.editor.id, LINES)]
    assert (await api.viewer.get(path)).text == LINES[400:]


async def test_an_old_text_as_the_base_keeps_what_is_removed(api: ApiHarness) -> None:
    made = await api.make(content=LINES)
    path = f"/documents/{made['id']}/content"
    tag = (await api.viewer.get(path)).headers["etag"]
    await put(api, made, LINES + "more\n")
    await put(api, made, "short\n", **{"if-match": tag})
    assert [(kind, text) for kind, _, text in await versions(api, made)] == [("before-deletion", LINES + "more\n")]
    assert (await api.viewer.get(path)).text == "short\nmore\n"


@pytest.mark.parametrize(
    ("before", "after"), [(LINES, LINES + LINES), (LINES, LINES[210:]), ("x" * 199, ""), ("short", "other")]
)
async def test_other_edits_make_no_version(api: ApiHarness, before: str, after: str) -> None:
    made = await api.make(content=before)
    await put(api, made, after)
    assert await versions(api, made) == []


@pytest.fixture(scope="module")
async def automatic(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("removals"), version_interval=0.2) as running:
        yield running


async def is_versioned(api: ApiHarness, document: dict[str, Any]) -> bool:
    query = """
    SELECT unversioned_since IS NULL AND removals = '{}' AND snapshot_clock = head_seq AS done
    FROM document_heads WHERE document_id = $1
    """
    return bool((await fetch(api.server, query, UUID(document["id"])))[0]["done"])


async def wait_versioned(api: ApiHarness, document: dict[str, Any]) -> None:
    await until(lambda: is_versioned(api, document), "the automatic version")


async def test_a_removal_over_a_socket_gets_a_version_of_the_text_before_it(automatic: ApiHarness) -> None:
    api = automatic
    made = await api.make(content=LINES)
    await wait_versioned(api, made)
    peer = await Peer(api.server, "yws", made["id"], token=api.other.token).sync()
    peer.insert("typed\n", len(LINES))
    await peer.saved()
    del peer.text[0:400]
    await peer.saved()
    peer.insert("and other text\n" * 40, 0)  # as long as the text before
    await peer.saved()
    await peer.close()
    assert (await api.viewer.get(f"/documents/{made['id']}/content")).status_code == 200  # folds

    async def has_version() -> bool:
        kinds = [kind for kind, _, _ in await versions(api, made)]
        return "before-deletion" in kinds and kinds[0] == "auto" and await is_versioned(api, made)

    await until(has_version, "the version before the removal")
    assert [one for one in await versions(api, made) if one[0] == "before-deletion"] == [
        ("before-deletion", api.other.id, LINES + "typed\n")
    ]
    items = (await api.viewer.get(f"/documents/{made['id']}/versions")).json()["items"]
    [kept] = [one for one in items if one["kind"] == "before-deletion"]
    assert [author["id"] for author in kept["authors"]] == [api.other.id]
    assert kept["changes_summary"] == {"added": 1, "removed": 0, "modified": 0}
    session = (await api.viewer.get(f"/documents/{made['id']}/history")).json()["items"][0]
    first, last, at = map(datetime.fromisoformat, (session["first_at"], session["last_at"], kept["created_at"]))
    assert first <= at <= last, "the time of the removal"


async def test_a_removal_gets_one_version_only(automatic: ApiHarness) -> None:
    api = automatic
    made = await api.make(content=LINES)
    await put(api, made, "short\n")  # REST makes the version
    await until(lambda: is_versioned(api, made), "the automatic version")
    kinds = [kind for kind, _, _ in await versions(api, made)]
    assert kinds.count("before-deletion") + kinds.count("auto") == len(kinds)
    assert [text for _, _, text in await versions(api, made)].count(LINES) == 1


async def test_rows_that_are_not_kept_any_more_get_no_version(automatic: ApiHarness) -> None:
    api = automatic
    made = await api.make(content=LINES)
    await wait_versioned(api, made)
    mark = """
    UPDATE document_heads SET removals = '{1,7,99}', unversioned_since = now() - interval '1 hour'
    WHERE document_id = $1
    """
    await run(api.server, mark, [(UUID(made["id"]),)])
    await wait_versioned(api, made)
    assert [kind for kind, _, _ in await versions(api, made)] == ["auto"]
