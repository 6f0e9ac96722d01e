"""Carriage returns do not stay in the text of a document, whichever way they come."""

from typing import Any

import pytest
from pycrdt import Doc, Text

from tests.documents.office import Office
from tests.documents.test_content import content, patch, put
from tests.interop.harness import FAMILIES
from tests.peers import Family, Peer
from tests.sync.device import push, typed, update
from tests.waiting import until

WINDOWS = "one\r\ntwo\r\nthree"
LINES = "one\ntwo\nthree"


async def test_programs_write_line_feeds_and_the_next_edit_is_where_it_is_to_be(office: Office) -> None:
    made = await office.make(name="windows")
    path = f"/documents/{made['id']}/content"
    peer = await Peer(office.server, "yws", made["address"], token=office.other.token).sync()
    assert (await office.editor.post(f"{path}/append", json={"content": WINDOWS})).status_code == 200
    await peer.until(lambda: peer.content == LINES, "the lines")
    peer.insert("!", len(LINES))
    await peer.saved()
    assert (await patch(office.editor, made, {"find": "two", "replace": "2\r\nII"})).status_code == 200
    assert (await put(office.editor, made, "# H\r\none\r\n2\r\nII\r\nthree!")).status_code == 200
    body = {"content": "x\r\ny", "heading": "H", "position": "start"}
    assert (await office.editor.post(f"{path}/insert", json=body)).status_code == 200
    await peer.until(lambda: peer.content == "# H\n\nx\ny\n\none\n2\nII\nthree!", "all edits")
    assert (await content(office.viewer, made)).text == peer.content
    await peer.close()


@pytest.mark.parametrize("family", FAMILIES)
async def test_what_a_socket_writes_is_repaired_at_rest_for_all_who_are_there(office: Office, family: Family) -> None:
    made = await office.make(name=f"returns-{family}")
    other = await Peer(office.server, family, made["address"], token=office.viewer.token).sync()
    peer = await Peer(office.server, family, made["address"], token=office.editor.token).sync()
    peer.insert(WINDOWS)
    await peer.saved()
    # a reader of the stored text has it folded at once
    await content(office.viewer, made)
    await peer.until(lambda: peer.content == LINES, "the repair")
    await other.until(lambda: other.content == LINES, "the repair")
    peer.insert("!", len(LINES))
    await peer.saved()
    assert (await content(office.viewer, made)).text == f"{LINES}!"
    await peer.close()
    await other.close()


async def stored_with_returns(office: Office, name: str) -> dict[str, Any]:
    """A document that is not open, in which nothing waits to be folded, made of the bytes of a file."""
    doc: Doc[Text] = Doc()
    doc.get("content", type=Text).insert(0, WINDOWS)
    answer = await office.editor.post(
        f"/workspaces/{office.team}/import", content=doc.get_update(), params={"name": f"{name}.yjs"}
    )
    assert answer.status_code in (200, 201), answer.text
    made: dict[str, Any] = answer.json()["items"][0]["document"]
    return made


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_document_that_is_opened_for_writing_is_repaired_before_it_is_sent(
    office: Office, family: Family
) -> None:
    made = await stored_with_returns(office, f"Old {family}")
    reader = await Peer(office.server, family, made["id"], token=office.viewer.token).sync()
    assert reader.content == WINDOWS
    peer = await Peer(office.server, family, made["id"], token=office.editor.token).sync()
    assert peer.content == LINES
    await reader.until(lambda: reader.content == LINES, "the repair")
    await peer.close()
    await reader.close()


async def test_a_program_that_edits_such_a_document_repairs_it(office: Office) -> None:
    made = await stored_with_returns(office, "Older")
    assert (await patch(office.editor, made, {"find": "two\nthree", "replace": "2"})).status_code == 200
    assert (await content(office.viewer, made)).text == "one\n2"


async def test_what_is_pushed_is_repaired(office: Office) -> None:
    made = await office.make()
    [pushed] = await push(office.editor, update(made["id"], typed(WINDOWS)))
    assert pushed["status"] == "ok"

    async def says_lines() -> bool:
        return (await content(office.viewer, made)).text == LINES

    await until(says_lines, "the repair")


async def test_maintain_repairs_documents_that_nobody_opens(office: Office) -> None:
    made = await stored_with_returns(office, "Oldest")
    lines = (await office.server.command("maintain")).splitlines()
    [told] = [line for line in lines if line.startswith("line ends: ")]
    assert int(told.removeprefix("line ends: ")) >= 1
    assert (await content(office.viewer, made)).text == LINES
    assert "line ends: 0" in (await office.server.command("maintain")).splitlines()
