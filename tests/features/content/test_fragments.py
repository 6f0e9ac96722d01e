"""Markdown over HTTP into a document that an editor keeps as ProseMirror's nodes."""

from typing import Any

import httpx

from collab_server.core.prosemirror.nodes import MAX_DEPTH
from collab_server.core.yjs import tree
from collab_server.core.yjs.composer import Composer
from tests.core.fragments import Fragment, element, p
from tests.features.api_harness import ApiHarness, refused
from tests.people import Person

MARKDOWN = {"content-type": "text/markdown"}


def path_of(document: dict[str, Any]) -> str:
    return f"/documents/{document['id']}/content"


async def with_nodes(api: ApiHarness, fragment: Fragment) -> dict[str, Any]:
    made = await api.make()
    answer = await api.editor.post(
        f"/documents/{made['id']}/updates",
        content=fragment.update,
        headers={"content-type": "application/octet-stream"},
    )
    assert answer.status_code == 200, answer.text
    return made


async def nodes(who: Person, document: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await who.get(path_of(document), params={"format": "prosemirror"})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["content"]
    return found


async def read(who: Person, document: dict[str, Any]) -> httpx.Response:
    answer = await who.get(path_of(document), headers={"accept": "text/markdown"})
    assert answer.status_code == 200, answer.text
    return answer


async def test_markdown_is_put_patched_appended_and_inserted(api: ApiHarness) -> None:
    made = await with_nodes(api, Fragment(element("heading", "Plan", level=1), p("one two", textAlign="center")))
    got = await read(api.editor, made)
    assert got.text == "# Plan\n\none two"
    same = await api.editor.put(path_of(made), content=got.content, headers=MARKDOWN)
    assert (same.status_code, same.json()["changed"], same.headers["etag"]) == (200, False, got.headers["etag"])
    answer = await api.editor.patch(path_of(made), json={"edits": [{"find": "two", "replace": "**2**"}]})
    assert (answer.status_code, answer.json()["changed"]) == (200, True)
    answer = await api.editor.post(f"{path_of(made)}/append", json={"content": "- [x] done"})
    assert answer.status_code == 200, answer.text
    answer = await api.editor.post(
        f"{path_of(made)}/insert", json={"content": "| a |\n| - |\n| b |", "heading": "Plan", "position": "start"}
    )
    assert answer.status_code == 200, answer.text
    now = await read(api.editor, made)
    assert now.text == "# Plan\n\n| a |\n| --- |\n| b |\n\none **2**\n\n- [x] done"
    assert now.headers["etag"] == answer.json()["content_hash"].join('""')
    found = await nodes(api.viewer, made)
    assert [node["type"] for node in found] == ["heading", "table", "paragraph", "taskList"]
    assert found[2]["attrs"] == {"textAlign": "center"}


async def test_a_text_that_was_read_before_others_changed_it_is_merged(api: ApiHarness) -> None:
    made = await with_nodes(api, Fragment(p("one"), p("two"), p("three")))
    etag = (await read(api.editor, made)).headers["etag"]
    typed = await api.other.patch(path_of(made), json={"edits": [{"find": "two", "replace": "two typed"}]})
    assert typed.status_code == 200, typed.text
    headers = {**MARKDOWN, "if-match": etag}
    answer = await api.editor.put(path_of(made), content=b"ONE\n\ntwo\n\n> three", headers=headers)
    assert (answer.status_code, answer.json()["content"]) == (200, "ONE\n\ntwo typed\n\n> three")
    gone = await api.editor.put(path_of(made), content=b"x", headers=headers, params={"on_conflict": "fail"})
    assert refused(gone) == (412, "precondition_failed")


async def test_an_impossible_edit_is_a_problem_and_changes_nothing(api: ApiHarness) -> None:
    container = element("blockGroup", element("blockContainer", p("x"), id="1"))
    made = await with_nodes(api, Fragment(container))
    before = await nodes(api.editor, made)
    answer = await api.editor.post(f"{path_of(made)}/append", json={"content": "more"})
    assert refused(answer) == (422, "unprocessable")
    assert await nodes(api.editor, made) == before
    plain = await with_nodes(api, Fragment(p("x")))
    deep = await api.editor.put(path_of(plain), content=b"> " * 500 + b"x", headers=MARKDOWN)
    assert refused(deep) == (422, "unprocessable")
    long = await api.editor.put(path_of(plain), content=b"x" * 2_000_001, headers=MARKDOWN)
    assert refused(long) == (422, "unprocessable")
    assert (await read(api.editor, plain)).text == "x"
    viewer = await api.viewer.put(path_of(plain), content=b"y", headers=MARKDOWN)
    assert refused(viewer) == (403, "forbidden")


async def test_content_that_lies_too_deep_is_told_of_and_not_overwritten(api: ApiHarness) -> None:
    deep = p("deep")
    for _ in range(MAX_DEPTH + 10):
        deep = element("blockquote", deep)
    made = await with_nodes(api, Fragment(deep))
    for kind in ("text/markdown", "application/json", "text/html", "text/plain"):
        answer = await api.viewer.get(path_of(made), headers={"accept": kind})
        assert (answer.status_code, answer.headers.get("x-content-truncated")) == (200, "true"), kind
    assert answer.text == ""
    asked = await api.viewer.get(path_of(made), headers={"accept": "application/json"})
    assert (asked.json()["content"], asked.json()["truncated"]) == ("", True)
    assert refused(await api.viewer.get(path_of(made), params={"format": "prosemirror"})) == (422, "unprocessable")
    assert refused(await api.editor.put(path_of(made), content=b"x", headers=MARKDOWN)) == (422, "unprocessable")
    for form in ("md", "json"):
        answer = await api.viewer.get(f"/documents/{made['id']}/export", params={"format": form})
        assert refused(answer) == (422, "unprocessable")
    assert (await api.viewer.get(f"/documents/{made['id']}/export", params={"format": "yjs"})).status_code == 200
    # once it is gone, what is left is all
    top = deep_item(await update_of(api, made))
    composer = Composer(77, 0)
    composer.delete(*top)
    answer = await api.editor.post(
        f"/documents/{made['id']}/updates",
        content=composer.update(),
        headers={"content-type": "application/octet-stream"},
    )
    assert answer.status_code == 200, answer.text
    now = await read(api.viewer, made)
    assert (now.text, now.headers.get("x-content-truncated")) == ("", None)


async def update_of(api: ApiHarness, document: dict[str, Any]) -> bytes:
    answer = await api.viewer.get(f"/documents/{document['id']}/updates")
    assert answer.status_code == 200, answer.text
    return answer.content


def deep_item(update: bytes) -> tuple[int, int, int]:
    """(client, first clock, end) of the element that holds everything."""
    item = tree.read_tree(update).roots["default"].start
    assert item is not None
    return item.client, item.clock, item.clock + item.length
