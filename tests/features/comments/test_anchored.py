"""Threads about words, over REST: the anchor of an answer, and the filter of orphans."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.features.api_harness import ApiHarness, open_api, refused
from tests.features.comments.test_comments import contents, listed, say


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("anchored")) as running:
        yield running


async def edit(api: ApiHarness, document: str, find: str, replace: str) -> None:
    answer = await api.editor.patch(
        f"/documents/{document}/content", json={"edits": [{"find": find, "replace": replace}]}
    )
    assert answer.status_code == 200, answer.text


def place(comment: dict[str, Any]) -> tuple[str, int | None, int | None, bool]:
    anchor = comment["anchor"]
    return anchor["quote"], anchor["start"], anchor["end"], anchor["orphaned"]


async def test_a_thread_follows_its_words_and_is_an_orphan_without_them(api: ApiHarness) -> None:
    document = (await api.make(content="We agreed on the price yesterday."))["id"]
    root = await say(api.commenter, document, "Too high", anchor={"quote": "the price"})
    assert place(root) == ("the price", 13, 22, False)
    assert root["anchor"]["relative_start"] and root["anchor"]["relative_end"]
    reply = await say(api.editor, document, "No", parent_id=root["id"])
    assert reply["anchor"] is None
    other = await say(api.commenter, document, "Other", anchor={"quote": "yesterday"})
    await edit(api, document, "We", "Yesterday we")
    assert place((await api.viewer.get(f"/comments/{root['id']}")).json()) == ("the price", 23, 32, False)
    await edit(api, document, " on the price", "")
    items = await listed(api.viewer, document)
    assert [place(item) for item in items if item["anchor"]] == [
        ("the price", None, None, True), ("yesterday", 20, 29, False),
    ]  # fmt: skip
    assert contents(await listed(api.viewer, document, state="orphan")) == ["Too high", "No"]
    assert contents(await listed(api.viewer, document, state="open")) == ["Too high", "No", "Other"]
    path = f"/comments/{root['id']}"
    assert refused(await api.commenter.patch(f"/comments/{other['id']}", json={"anchor": {"quote": "gone"}}))[0] == 422
    assert refused(await api.viewer.patch(path, json={"anchor": None})) == (403, "forbidden")
    assert refused(await api.editor.patch(f"/comments/{reply['id']}", json={"anchor": {"quote": "We"}}))[0] == 422
    moved = (await api.editor.patch(path, json={"anchor": {"quote": "agreed"}})).json()
    assert place(moved) == ("agreed", 13, 19, False) and not moved["edited"]
    assert await listed(api.viewer, document, state="orphan") == []
    bare = (await api.commenter.patch(path, json={"anchor": None})).json()
    assert bare["anchor"] is None and bare["row_version"] > moved["row_version"]


async def test_a_quote_that_is_not_in_the_text_makes_no_comment(api: ApiHarness) -> None:
    document = (await api.make(content="Nothing here"))["id"]
    for anchor in ({"quote": "price"}, {"start": 1, "end": 3}, {}, {"quote": ""}):
        answer = await api.editor.post(f"/documents/{document}/comments", json={"content": "x", "anchor": anchor})
        assert answer.status_code == 422, anchor
    assert await listed(api.viewer, document) == []
