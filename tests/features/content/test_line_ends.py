"""Carriage returns do not stay in the text of a document, whichever way they come."""

from typing import Any

import pytest
from pycrdt import Doc, Text

from tests.features.api_harness import ApiHarness
from tests.features.content.test_content import content, patch, put
from tests.features.sync.device import push, typed, update
from tests.interop.harness import FAMILIES
from tests.peers import Family, Peer
from tests.waiting import until

WINDOWS = "one\r\ntwo\r\nthree"
LINES = "one\ntwo\nthree"


async def test_programs_write_line_feeds_and_the_next_edit_is_where_it_is_to_be(api: ApiHarness) -> None:
    made = await api.make(name="windows")
    path = f"/documents/{made['id']}/content"
    peer = await Peer(api.server, "yws", made["address"], token=api.other.token).sync()
    assert (await api.editor.post(f"{path}/append", json={"content": WINDOWS})).status_code == 200
    await peer.until(lambda: peer.content == LINES, "the lines")
    peer.insert("!", len(LINES))
    await peer.saved()
    assert (await patch(api.editor, made, {"find": "two", "replace": "2\r\nII"})).status_code == 200
    assert (await put(api.editor, made, "# H\r\none\r\n2\r\nII\r\nthree!")).status_code == 200
    body = {"content": "x\r\ny", "heading": "H", "position": "start"}
    assert (await api.editor.post(f"{path}/insert", json=body)).status_code == 200
    await peer.until(lambda: peer.content == "# H\n\nx\ny\n\none\n2\nII\nthree!", "all edits")
    assert (await content(api.viewer, made)).text == peer.content
    await peer.close()


@pytest.mark.parametrize("family", FAMILIES)
async def test_line_ends_from_a_socket_are_repaired_for_all_connections(api: ApiHarness, family: Family) -> None:
    made = await api.make(name=f"returns-{family}")
    other = await Peer(api.server, family, made["address"], token=api.viewer.token).sync()
    peer = await Peer(api.server, family, made["address"], token=api.editor.token).sync()
    peer.insert(WINDOWS)
    await peer.saved()
    # a reader of the stored text has it folded at once
    await content(api.viewer, made)
    await peer.until(lambda: peer.content == LINES, "the repair")
    await other.until(lambda: other.content == LINES, "the repair")
    peer.insert("!", len(LINES))
    await peer.saved()
    assert (await content(api.viewer, made)).text == f"{LINES}!"
    await peer.close()
    await other.close()


async def stored_with_returns(api: ApiHarness, name: str) -> dict[str, Any]:
    """A document that is not open, in which nothing waits to be folded, made of the bytes of a file."""
    doc: Doc[Text] = Doc()
    doc.get("content", type=Text).insert(0, WINDOWS)
    answer = await api.editor.post(
        f"/workspaces/{api.team}/import", content=doc.get_update(), params={"name": f"{name}.yjs"}
    )
    assert answer.status_code in (200, 201), answer.text
    made: dict[str, Any] = answer.json()["items"][0]["document"]
    return made


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_document_that_is_opened_for_writing_is_repaired_before_it_is_sent(
    api: ApiHarness, family: Family
) -> None:
    made = await stored_with_returns(api, f"Old {family}")
    reader = await Peer(api.server, family, made["id"], token=api.viewer.token).sync()
    assert reader.content == WINDOWS
    peer = await Peer(api.server, family, made["id"], token=api.editor.token).sync()
    assert peer.content == LINES
    await reader.until(lambda: reader.content == LINES, "the repair")
    await peer.close()
    await reader.close()


async def test_a_program_that_edits_such_a_document_repairs_it(api: ApiHarness) -> None:
    made = await stored_with_returns(api, "Older")
    assert (await patch(api.editor, made, {"find": "two\nthree", "replace": "2"})).status_code == 200
    assert (await content(api.viewer, made)).text == "one\n2"


async def test_line_ends_of_pushed_updates_are_repaired(api: ApiHarness) -> None:
    made = await api.make()
    [pushed] = await push(api.editor, update(made["id"], typed(WINDOWS)))
    assert pushed["status"] == "ok"

    async def says_lines() -> bool:
        return (await content(api.viewer, made)).text == LINES

    await until(says_lines, "the repair")


async def test_maintain_repairs_documents_that_nobody_opens(api: ApiHarness) -> None:
    made = await stored_with_returns(api, "Oldest")
    done = await api.server.maintain()
    assert done["line ends"] >= 1
    assert (await content(api.viewer, made)).text == LINES
    assert (await api.server.maintain())["line ends"] == 0
