"""Imports bring files along: what an archive, a zip of notes or a Word document shows is attached and shown again."""

import io
import json
import re
import zipfile
from typing import Any
from uuid import UUID

import docx
import pytest

from tests.features.api_harness import PLAYGROUND, ApiHarness
from tests.features.attachments.attaching import attach, noise, picture, used
from tests.features.exports.test_archive import sent, space
from tests.features.exports.test_attached_files import exported, write
from tests.features.imports import word as words
from tests.features.imports.test_importing import zipped
from tests.people import Person, run

_LINK = re.compile(r"/api/v1/attachments/([0-9a-f-]{36})/content")


async def files_of(who: Person, document_id: str) -> list[Any]:
    items: list[Any] = (await who.get(f"/documents/{document_id}/attachments")).json()["items"]
    return items


async def text_of(who: Person, document_id: str) -> str:
    return (await who.get(f"/documents/{document_id}/content")).text


async def bytes_of(who: Person, attachment: Any) -> bytes:
    return (await who.get(f"/attachments/{attachment['id']}/content")).content


async def imported(api: ApiHarness, file: bytes, who: Person | None = None, workspace: str = "") -> tuple[str, Any]:
    """(the id of the only document of a zip, its item)."""
    told = await sent(who or api.editor, workspace or api.team, file, name="x.zip")
    (item,) = told["items"]
    assert item["status"] == "created", item
    return item["document"]["id"], {**item, "all": told["notes"]}


def described(files: list[Any]) -> list[tuple[str, ...]]:
    names = ("file_name", "original_name", "content_type", "checksum_sha256")
    return [tuple(each[name] for name in names) for each in files]


@pytest.mark.parametrize("formats", [["md", "yjs"], ["md"]])
async def test_an_archive_restores_attachments_exactly(api: ApiHarness, formats: list[str]) -> None:
    home, target = await space(api.owner, "Home"), await space(api.owner, "Target")
    made = (await api.make(api.owner, workspace=home))["id"]
    one = await attach(api.owner, made, picture(21, 21), "a (1).png")
    same = await attach(api.owner, made, picture(21, 21), "A (1).png")
    other = await attach(api.owner, made, b"plain words", "CON.txt")
    await attach(api.owner, made, noise(70_000, seed=3), "nobody links to me")
    thumb = f"{one['url'].replace('content', 'thumbnail')}?width=160"
    text = f'![Ann & "Bob"]({one["url"]} "T") ![]({thumb})\n\n[x]({same["url"]}) [y]({other["url"]}) the end\n'
    await write(api.owner, made, text)
    anchor = {"quote": "the end"}
    thread = await api.owner.post(f"/documents/{made}/comments", json={"content": "why?", "anchor": anchor})
    assert thread.status_code == 201, thread.text
    archive = (await api.owner.get(f"/workspaces/{home}/export", params={"format": formats})).content
    back, item = await imported(api, archive, api.owner, target)
    assert item["notes"] == [] and item["all"] == []
    before, after = await files_of(api.owner, made), await files_of(api.owner, back)
    assert described(after) == described(before)
    assert not {each["id"] for each in after} & {each["id"] for each in before}
    expected = text
    for old, new in zip(before, after, strict=True):
        expected = expected.replace(old["id"], new["id"])
    if formats == ["md"]:
        expected = expected.replace("thumbnail?width=160", "content")
    assert await text_of(api.owner, back) == expected
    assert [await bytes_of(api.owner, each) for each in after] == [await bytes_of(api.owner, each) for each in before]
    (comment,) = (await api.owner.get(f"/documents/{back}/comments")).json()["items"]
    assert comment["anchor"]["quote"] == "the end"
    assert (await used(api, target))[1] == (await used(api, home))[1]


async def test_an_exported_document_comes_back_with_its_files(api: ApiHarness) -> None:
    made = (await api.make())["id"]
    one = await attach(api.editor, made, picture(22, 22), "pic.png")
    two = await attach(api.editor, made, b"# words of the file", "notes.md")
    text = f"# Report\n\n![p]({one['url']}) [n]({two['url']})\n"
    await write(api.editor, made, text)
    back, item = await imported(api, await exported(api.editor, made, "zip"))
    first, second = await files_of(api.editor, back)
    assert item["document"]["title"] == "Report"
    assert (await text_of(api.editor, back)) == text.replace(one["id"], first["id"]).replace(two["id"], second["id"])
    assert await bytes_of(api.viewer, second) == b"# words of the file"


async def test_notes_of_other_programs_keep_their_pictures(api: ApiHarness) -> None:
    files: dict[str, bytes | str] = {
        "Vault/Day.md": "![[Pasted image 1.png|200]] ![x](../assets/b%20c.png) [[plan.pdf]] [[Other]] ![](gone.png)",
        "Vault/Other.html": "<p>see <img src='img/d.png' alt='D'> and <a href='../Vault/plan.pdf'>plan</a></p>",
        "Vault/img/d.png": picture(24, 24),
        "assets/b c.png": picture(23, 23),
        "assets/deep/Pasted image 1.png": picture(22, 22),
        "Vault/plan.pdf": b"%PDF-1.7\n%%EOF",
        "unused.png": picture(25, 25),
    }
    told = await sent(api.editor, api.team, zipped(files), name="x.zip")
    day, other = told["items"]
    text = await text_of(api.editor, day["document"]["id"])
    shown = await files_of(api.editor, day["document"]["id"])
    assert [each["file_name"] for each in shown] == ["Pasted image 1.png", "b c.png", "plan.pdf"]
    links = [each["url"] for each in shown]
    assert text == f"![Pasted image 1.png]({links[0]}) ![x]({links[1]}) [plan.pdf]({links[2]}) [[Other]] ![](gone.png)"
    assert await bytes_of(api.viewer, shown[1]) == picture(23, 23)
    assert day["notes"] == ["1 picture that the text shows from a file beside it was left out: gone.png"]
    page = await text_of(api.editor, other["document"]["id"])
    second = await files_of(api.editor, other["document"]["id"])
    assert page == f"see ![D]({second[0]['url']}) and [plan]({second[1]['url']})\n"
    assert told["notes"] == ["1 picture was left out: unused.png"]


async def test_a_word_document_shows_its_pictures_in_their_places(api: ApiHarness) -> None:
    made = docx.Document()
    made.add_paragraph("before").add_run().add_picture(io.BytesIO(picture(26, 26)))
    made.add_paragraph("again").add_run().add_picture(io.BytesIO(picture(26, 26)))
    made.add_picture(io.BytesIO(picture(27, 27, "JPEG")))
    made.element.body.findall(f".//{docx.oxml.ns.qn('wp:docPr')}")[0].set("descr", "A garden")
    file = io.BytesIO()
    made.save(file)
    for archived in (False, True):
        sent_file = zipped({"Garden.docx": file.getvalue()}) if archived else file.getvalue()
        told = await sent(api.editor, api.team, sent_file, name="x.zip" if archived else "Garden.docx")
        document, notes = told["items"][0]["document"]["id"], told["items"][0]["notes"]
        one, two = await files_of(api.editor, document)
        assert [each["file_name"] for each in (one, two)] == ["picture-1.png", "picture-2.jpg"]
        found = await text_of(api.editor, document)
        assert found == f"before![A garden]({one['url']})\n\nagain![]({one['url']})\n\n![]({two['url']})\n"
        assert notes == [] and await bytes_of(api.viewer, one) == picture(26, 26)


async def test_an_exported_page_comes_back_with_its_pictures(api: ApiHarness) -> None:
    made = (await api.make())["id"]
    one = await attach(api.editor, made, picture(29, 29), "one.png")
    await write(api.editor, made, f"# Page\n\n![A garden]({one['url']}) ![x](data:image/png;base64,AAAA)\n")
    page = await exported(api.editor, made, "html")
    told = await sent(api.editor, api.team, page, name="x.html")
    back = told["items"][0]["document"]["id"]
    (kept,) = await files_of(api.editor, back)
    assert await bytes_of(api.viewer, kept) == picture(29, 29)
    assert await text_of(api.editor, back) == f"# Page\n\n![A garden]({kept['url']}) x\n"
    assert told["items"][0]["notes"] == ["1 picture was left out: x"]


async def test_a_picture_outside_of_a_word_document_is_not_fetched(api: ApiHarness) -> None:
    body = words.paragraph("<w:r><w:t>words</w:t></w:r>", _LINKED)
    told = await sent(api.editor, api.team, words.package(body), name="x.docx")
    document = told["items"][0]["document"]["id"]
    assert await files_of(api.editor, document) == [] and "words" in await text_of(api.editor, document)
    assert told["items"][0]["notes"] == ["1 picture was left out: far away"]


_LINKED = (
    '<w:r><w:drawing><wp:inline><wp:docPr id="1" name="p" descr="far away"/><a:graphic><a:graphicData>'
    '<pic:pic><pic:blipFill><a:blip r:link="image"/></pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline>'
    "</w:drawing></w:r>"
)


def _hostile(entries: list[dict[str, Any]], files: dict[str, bytes], text: str) -> bytes:
    told = {
        "format": "collab_server/workspace",
        "version": 1,
        "documents": [{"title": "Plan", "files": {"md": "Plan.md"}, "attachments": entries}],
    }
    return zipped({"manifest.json": json.dumps(told), "Plan.md": text, **files}, compression=zipfile.ZIP_DEFLATED)


def _entry(path: str, **more: Any) -> dict[str, Any]:
    names = {"file_name": path.rpartition("/")[2], "original_name": "x", "checksum_sha256": "00" * 32}
    return {"id": "3f2b8c1e-5a4d-4c7b-9e1f-2a6d8c0b4e35", "path": path, **names, **more}


async def test_hostile_files_are_reported_and_the_text_is_imported(api: ApiHarness) -> None:
    good = await _sha(api, b"good")
    entries = [
        _entry("../../../etc/passwd"),
        _entry("/etc/hosts"),
        _entry("f/wrong.bin"),
        _entry("f/bomb.bin"),
        _entry("f/good.txt", checksum_sha256=good, file_name="../\u202e\0evil/good.txt"),
        {"id": 5},
        {**_entry("f/good.txt"), "id": "no id"},
        "nothing",
    ]
    files = {"f/wrong.bin": b"other bytes", "f/good.txt": b"good", "f/bomb.bin": bytes(45_000_000)}
    text = "words ![](../../../etc/passwd) ![](f/bomb.bin) [g](f/good.txt) ![](/etc/hosts)"
    document, item = await imported(api, _hostile(entries, files, text))  # type: ignore[arg-type]
    (kept,) = await files_of(api.editor, document)
    assert kept["file_name"] == "good.txt" and await bytes_of(api.editor, kept) == b"good"
    expected = text.replace("f/good.txt", kept["url"])
    assert await text_of(api.editor, document) == expected
    report = "\n".join(item["notes"])
    assert "2 attachments that the archive lacks were left out: passwd, hosts" in report
    assert "1 file was left out: f/wrong.bin (its bytes are not those that the manifest names)" in report
    assert "1 file was left out: f/bomb.bin (the archive is too large when it is unpacked)" in report


async def _sha(api: ApiHarness, octets: bytes) -> str:
    made = await attach(api.editor, (await api.make())["id"], octets)
    return str(made["checksum_sha256"])


async def test_files_that_do_not_fit_are_left_out(api: ApiHarness) -> None:
    place = await space(api.owner, "Small")
    await run(api.server, "UPDATE workspaces SET storage_limit_bytes = 50000 WHERE id = $1", [(UUID(place),)])
    files: dict[str, bytes | str] = {
        "a.md": "# A\n\n![](large.bin) ![](small.bin)",
        "large.bin": noise(60_000),
        "small.bin": noise(20_000),
    }
    document, item = await imported(api, zipped(files), api.owner, place)
    (kept,) = await files_of(api.owner, document)
    assert await text_of(api.owner, document) == f"# A\n\n![](large.bin) ![]({kept['url']})"
    assert any("large.bin (the workspace" in note for note in item["notes"]), item["notes"]
    late = {"a.md": "x " * 2700 + "![](small.bin)", "small.bin": files["small.bin"]}
    second, item = await imported(api, zipped(late), api.owner, place)
    assert await files_of(api.owner, second) == [], "the file alone has space, but not with the text"
    assert await text_of(api.owner, second) == late["a.md"]
    assert any("small.bin (the workspace" in note for note in item["notes"]), item["notes"]
    assert (await used(api, place))[0] <= 50_000


async def test_a_guest_brings_pictures_into_the_playground(api: ApiHarness) -> None:
    files: dict[str, bytes | str] = {"a.md": "![](p.png)", "p.png": picture(28, 28)}
    document, item = await imported(api, zipped(files), api.guest, PLAYGROUND)
    assert item["notes"] == []
    (kept,) = await files_of(api.guest, document)
    assert kept["uploaded_by"] is None and await bytes_of(api.guest, kept) == picture(28, 28)
