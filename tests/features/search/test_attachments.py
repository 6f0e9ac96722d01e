"""Words in PDF and Word files that are attached to documents, where COLLAB_SEARCH_ATTACHMENTS is on."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from collab_server.features.exports.formats import write_docx, write_pdf
from tests.features.api_harness import ApiHarness, open_api
from tests.features.attachments.attaching import attach
from tests.features.search.library import index
from tests.features.shares.sharing import share
from tests.people import Person, fetch
from tests.waiting import until

NOW = datetime.now(UTC)
EARLIER = "marmalade"


def pdf(text: str) -> bytes:
    return write_pdf(text, "Untitled", NOW, {})


def word(text: str) -> bytes:
    return write_docx(text, "Untitled", NOW, {})


@pytest.fixture(scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    """A server that begins to search attachments after it has got the first one."""
    async with open_api(tmp_path_factory.mktemp("texts")) as api:
        made = await api.make(title="Breakfast")
        await attach(api.editor, made["id"], pdf(f"The best {EARLIER} of all"), "order.pdf")
        await index(api.server)
        assert await hits(api.viewer, EARLIER) == []
        await api.server.terminate()
        api.server.configure(search_attachments=True)
        await api.server.start()
        yield api


async def hits(who: Person, words: str, **params: Any) -> list[dict[str, Any]]:
    answer = await who.get("/search", params={"q": words, **params})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def read(api: ApiHarness, attachment: dict[str, Any]) -> str:
    """Wait until a file was read, and return how that ended."""
    status = "pending"

    async def is_over() -> bool:
        nonlocal status
        [row] = await fetch(
            api.server, "SELECT status FROM attachment_texts WHERE attachment_id = $1", UUID(attachment["id"])
        )
        status = str(row["status"])
        return status in ("complete", "failed")

    await until(is_over, "the text of the file")
    return status


async def test_files_from_before_it_was_switched_on_are_found(office: ApiHarness) -> None:
    async def is_found() -> bool:
        return bool(await hits(office.viewer, EARLIER))

    await until(is_found, "the text of the first file")
    [hit] = await hits(office.viewer, EARLIER)
    assert hit["document"]["title"] == "Breakfast"
    assert hit["attachment"]["file_name"] == "order.pdf"
    assert hit["snippet"].startswith(f"The best <mark>{EARLIER}</mark> of all")


async def test_a_hit_names_the_file_and_is_the_document_s_own_where_its_text_has_the_words(office: ApiHarness) -> None:
    plain, both = await office.make(title="Plain"), await office.make(title="Both", content="Quince jelly")
    files = [
        await attach(office.editor, plain["id"], word("Nothing here"), "a.docx"),
        await attach(office.editor, plain["id"], word("Quince jelly, quinces"), "b.docx"),
        await attach(office.editor, both["id"], pdf("Quince jelly"), "c.pdf"),
    ]
    for file in files:
        assert await read(office, file) == "complete"
    await index(office.server)
    found = {hit["document"]["id"]: hit for hit in await hits(office.viewer, "quince")}
    assert found[plain["id"]]["attachment"] == {"id": files[1]["id"], "file_name": "b.docx"}
    assert found[both["id"]]["attachment"] is None
    paged, cursor = [], None
    while True:
        params: dict[str, Any] = {"q": "quince", "limit": 1, **({"cursor": cursor} if cursor else {})}
        page = (await office.viewer.get(f"/workspaces/{office.team}/search", params=params)).json()
        paged += [hit["document"]["id"] for hit in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert sorted(paged) == sorted([plain["id"], both["id"]])
    assert paged == [hit["document"]["id"] for hit in await hits(office.viewer, "quince")]
    assert await hits(office.viewer, "quince", tag="none") == []
    assert await hits(office.viewer, "quince", type="note") == []


async def test_whoever_may_not_read_the_document_does_not_find_its_files(office: ApiHarness) -> None:
    made = await office.make(title="Private")
    assert await read(office, await attach(office.editor, made["id"], pdf("Persimmon"), "p.pdf")) == "complete"
    for who, count in ((office.viewer, 1), (office.stranger, 0), (office.guest, 0)):
        assert len(await hits(who, "persimmon")) == count, who.name
    given = await share(office, made["id"], kind="user", user_id=office.stranger.id)
    assert len(await hits(office.stranger, "persimmon")) == 1
    await office.editor.delete(f"/shares/{given['id']}")
    assert await hits(office.stranger, "persimmon") == []


async def test_texts_go_and_come_back_with_their_file_and_document(office: ApiHarness) -> None:
    made = await office.make(title="Fleeting")
    file = await attach(office.editor, made["id"], word("Kumquat trees"), "k.docx")
    assert await read(office, file) == "complete"
    copy = (await office.editor.post(f"/documents/{made['id']}/duplicate", json={})).json()

    async def are_both_found() -> bool:
        return len(await hits(office.viewer, "kumquat")) == 2

    await until(are_both_found, "the file of the copy")
    # In another language, other words are the same.
    answer = await office.editor.patch(f"/documents/{made['id']}", json={"language": "simple"})
    assert answer.status_code == 200, answer.text
    await office.make(title="For the language", language="simple")
    await index(office.server)

    async def is_other() -> bool:
        found = {hit["document"]["id"] for hit in await hits(office.viewer, '"kumquat tree"')}
        return found == {copy["id"]}

    await until(is_other, "the text in the other language")
    assert (await office.editor.delete(f"/documents/{copy['id']}")).status_code in (200, 204)
    assert [hit["document"]["id"] for hit in await hits(office.viewer, "kumquat")] == [made["id"]]
    assert (await office.editor.delete(f"/attachments/{file['id']}")).status_code == 204
    assert await hits(office.viewer, "kumquat") == []
    await fetch(office.server, "DELETE FROM attachments WHERE id = $1 RETURNING id", UUID(file["id"]))
    assert await fetch(office.server, "SELECT FROM attachment_texts WHERE attachment_id = $1", UUID(file["id"])) == []


async def test_a_hostile_file_costs_its_own_text_only(office: ApiHarness) -> None:
    made = await office.make(title="Hostile")
    bad = await attach(office.editor, made["id"], pdf("Loganberry")[:2000], "bad.pdf")
    good = await attach(office.editor, made["id"], pdf("Loganberry"), "good.pdf")
    assert await read(office, bad) == "failed"
    assert await read(office, good) == "complete"
    [hit] = await hits(office.viewer, "loganberry")
    assert hit["attachment"]["id"] == good["id"]
    assert (await office.viewer.get(f"/attachments/{bad['id']}/content")).status_code == 200
