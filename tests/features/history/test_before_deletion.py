"""Versions before edits over REST that remove much of a text."""

from typing import Any

import pytest

from tests.features.api_harness import ApiHarness

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
