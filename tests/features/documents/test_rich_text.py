"""Documents that are created with rich text: nodes from the beginning, for editors and for requests."""

from typing import Any

import pycrdt
import pytest

from tests.features.api_harness import ApiHarness, refused
from tests.peers import Peer

MARKDOWN = (
    "# Plan\n\nBuy **pears**.\n\n- [ ] pay\n- [x] go\n\n"
    "| name | count |\n| --- | --- |\n| pears | 2 |\n\n```js\nlet x\n```"
)
MARKDOWN_TYPE = {"content-type": "text/markdown"}


async def nodes(api: ApiHarness, document: str) -> tuple[str, str]:
    """What an editor gets: the XML of the nodes, and the text root."""
    peer = await Peer(api.server, "yws", document, token=api.editor.token).sync()
    copy: pycrdt.Doc[Any] = pycrdt.Doc()
    copy.apply_update(peer.doc.get_update())
    await peer.close()
    return str(copy.get("default", type=pycrdt.XmlFragment)), str(copy.get("content", type=pycrdt.Text))


async def content(api: ApiHarness, document: str) -> str:
    answer = await api.editor.get(f"/documents/{document}/content", headers={"accept": "text/markdown"})
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_markdown_becomes_nodes_that_requests_edit(api: ApiHarness) -> None:
    made = await api.make(content=MARKDOWN, rich_text=True)
    path = f"/documents/{made['id']}/content"
    assert await content(api, made["id"]) == MARKDOWN
    xml, text = await nodes(api, made["id"])
    assert "<taskItem" in xml
    assert "<tableHeader>" in xml
    assert text == ""
    patched = await api.editor.patch(path, json={"edits": [{"find": "pears | 2", "replace": "pears | 3"}]})
    assert patched.status_code == 200, patched.text
    assert await content(api, made["id"]) == MARKDOWN.replace("| 2 |", "| 3 |")


@pytest.mark.parametrize("given", [None, ""])
async def test_an_empty_one_stays_rich_whoever_writes_first(api: ApiHarness, given: str | None) -> None:
    made = await api.make(rich_text=True, title=None, content=given)
    path = f"/documents/{made['id']}/content"
    assert (await nodes(api, made["id"]))[0] == "<paragraph></paragraph>"
    for written in ("## Later", "", "## Again"):
        put = await api.editor.put(path, content=written.encode(), headers=MARKDOWN_TYPE)
        assert put.status_code == 200, put.text
        assert await content(api, made["id"]) == written
    xml, text = await nodes(api, made["id"])
    assert "Again</heading>" in xml
    assert text == ""


async def test_a_copy_of_a_template_is_what_the_template_is(api: ApiHarness) -> None:
    rich = await api.make(content="# Rich", rich_text=True, is_template=True)
    plain = await api.make(content="# Plain", is_template=True)
    first = await api.make(template_id=rich["id"])
    second = await api.make(template_id=plain["id"], rich_text=True)
    third = await api.make(template_id=plain["id"], rich_text=True, content="# Other")
    assert "Rich</heading>" in (await nodes(api, first["id"]))[0]
    assert (await nodes(api, second["id"]))[1] == "# Plain"
    assert "Other</heading>" in (await nodes(api, third["id"]))[0]


async def test_what_has_no_text_cannot_be_rich(api: ApiHarness) -> None:
    body = {"title": "T", "type": "password", "content_encrypted": "c2VjcmV0", "encryption": {"alg": "A256GCM"}}
    path = f"/workspaces/{api.team}/documents"
    assert refused(await api.editor.post(path, json={**body, "rich_text": True})) == (422, "unprocessable")
    assert refused(await api.editor.post(path, json={"title": "T", "rich_text": "yes"})) == (422, "invalid")
