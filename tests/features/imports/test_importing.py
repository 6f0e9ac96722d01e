"""Files become documents, one whole document each; what cannot be one is named, and bounds hold."""

import io
import json
import struct
import zipfile
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import docx
import pycrdt
import pypdf
import pytest
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn

from collab_server.features.documents.tag_queries import MAX_TAGS
from collab_server.features.exports import blocks, docx_file
from tests.features.api_harness import PLAYGROUND, ApiHarness, refused
from tests.features.exports.examples import specification
from tests.features.exports.test_archive import sent, space
from tests.features.imports import word as words
from tests.people import Person

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
WHEN = datetime(2026, 1, 5, tzinfo=UTC)


async def only(api: ApiHarness, file: bytes, who: Person | None = None, **params: Any) -> dict[str, Any]:
    """The document that was made of a file, with its text."""
    who = who or api.editor
    told = await sent(who, api.team, file, **params)
    assert (told["created"], told["failed"]) == (1, 0)
    document: dict[str, Any] = (await who.get(f"/documents/{told['items'][0]['document']['id']}")).json()
    document["text"] = (await who.get(f"/documents/{document['id']}/content")).text
    return document


def zipped(files: dict[str, bytes | str], **options: Any) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


async def refusal(api: ApiHarness, file: bytes, **params: Any) -> tuple[int, str]:
    before = await api.count("documents")
    answer = await api.editor.post(f"/workspaces/{api.team}/import", content=file, params=params)
    assert await api.count("documents") == before
    return refused(answer)


async def test_markdown_comes_and_goes_unchanged(api: ApiHarness) -> None:
    made = await only(api, specification().encode(), name="spec.md")
    assert made["text"] == specification()
    assert made["title"] == "CommonMark Spec", "as its front matter has it"
    again = await api.editor.get(f"/documents/{made['id']}/export")
    assert again.content == specification().encode()


async def test_tables_and_lists_keep_their_form_from_an_import_to_an_export(api: ApiHarness) -> None:
    text = "|  |  |\n| :-: | --: |\n| a | b |\n\n- plain\n- [ ] open\n- [x] done\n"
    made = await only(api, text.encode(), name="form.md")
    assert made["text"] == text
    exported = {
        form: (await api.editor.get(f"/documents/{made['id']}/export", params={"format": form})).content
        for form in ("html", "docx", "pdf")
    }
    word = docx.Document(io.BytesIO(exported["docx"]))
    [table] = word.tables
    assert [[cell.text for cell in row.cells] for row in table.rows] == [["", ""], ["a", "b"]]
    center, right = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT
    assert [[cell.paragraphs[0].alignment for cell in row.cells] for row in table.rows] == [[center, right]] * 2
    items = [one for one in word.paragraphs if one.style is not None and one.style.name == "List Paragraph"]
    assert [item.text for item in items] == ["plain", "\u2610 open", "\u2611 done"]
    assert len({number.get(qn("w:val")) for item in items for number in item._p.iter(qn("w:numId"))}) == 1
    page = exported["html"].decode()
    assert '<th align="center"></th>' in page and '<td align="right">b</td>' in page
    assert page.count("<ul>") == 1 and page.count("<input ") == 2
    pages = pypdf.PdfReader(io.BytesIO(exported["pdf"])).pages
    shown = "".join(page.extract_text() for page in pages)
    assert all(words in shown for words in ("plain", "\u2610 open", "\u2611 done"))


async def test_a_yjs_update_comes_and_goes_unchanged(api: ApiHarness) -> None:
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    text = doc.get("content", type=pycrdt.Text)
    for word in ("one ", "two ", "\U0001f600"):
        text += word
    del text[0:4]
    doc.get("own", type=pycrdt.Map)["key"] = [1, {"a": None}]
    made = await only(api, doc.get_update(), name="Counting.yjs")
    assert (made["title"], made["text"]) == ("Counting", "two \U0001f600")
    back: pycrdt.Doc[Any] = pycrdt.Doc()
    back.apply_update((await api.editor.get(f"/documents/{made['id']}/export", params={"format": "yjs"})).content)
    assert back.get_state() == doc.get_state()
    assert back.get("own", type=pycrdt.Map).to_py() == {"key": [1, {"a": None}]}


async def test_html_becomes_markdown_without_scripts(api: ApiHarness) -> None:
    page = "<!doctype html><title>The page</title><h1>Head</h1><script>evil()</script><p>a <b>b</b>"
    made = await only(api, page.encode(), name="x.html")
    assert (made["title"], made["text"]) == ("The page", "# Head\n\na **b**\n")
    old = await only(api, '<meta charset="iso-8859-1"><p>Stra\xdfe'.encode("latin-1"), name="Old.htm")
    assert (old["title"], old["text"]) == ("Old", "Straße\n")


@pytest.mark.parametrize(
    ("encoding", "told", "text"),
    [
        ("cp1252", "Windows-1252", "Straße, café: 10 €, “quoted” naïve\n"),
        ("cp1251", "Windows-1251", "Привет, как дела? Это заметка.\n"),
        ("gbk", "GBK", "这是一个测试文件。里面有中文。\n"),
        ("cp932", "Shift-JIS", "これは日本語のテキストです。\n"),
        ("cp949", "EUC-KR", "이것은 한국어 텍스트 파일입니다.\n"),
    ],
)
@pytest.mark.parametrize("name", ["x.txt", "x.md", "x.html"])
async def test_text_from_before_utf_8_is_read_and_that_is_noted(
    api: ApiHarness, name: str, encoding: str, told: str, text: str
) -> None:
    answer = await sent(api.editor, api.team, text.encode(encoding), name=name)
    (item,) = answer["items"]
    assert (await api.editor.get(f"/documents/{item['document']['id']}/content")).text == text
    assert item["notes"] == [f"the text is not UTF-8 and was read as {told}"]


async def test_text_in_utf_8_is_noted_nothing_of_and_bytes_of_no_character_are_counted(api: ApiHarness) -> None:
    (item,) = (await sent(api.editor, api.team, "Größe".encode(), name="x.txt"))["items"]
    assert item["notes"] == []
    (item,) = (await sent(api.editor, api.team, b"Gr\xf6\xdfe \x81 caf\xe9", name="x.txt"))["items"]
    assert item["notes"] == ["the text is not UTF-8 and was read as Windows-1252; 1 character could not be read"]


async def test_notes_name_omissions_of_a_word_document_alone_and_in_a_zip(api: ApiHarness) -> None:
    file = words.package(words.paragraph(words.run("shown"), words.run("secret", "<w:vanish/>")))
    expected = ["1 piece of hidden content left out"]
    (item,) = (await sent(api.editor, api.team, file, name="x.docx"))["items"]
    assert item["notes"] == expected
    (item,) = (await sent(api.editor, api.team, zipped({"a.docx": file}), name="x.zip"))["items"]
    assert item["notes"] == expected


async def test_guests_bring_front_matter_too(api: ApiHarness) -> None:
    file = b"---\ntags: [Of guests]\n---\ntext"
    told = await sent(api.guest, PLAYGROUND, file, name="x.md")
    document = (await api.guest.get(f"/documents/{told['items'][0]['document']['id']}")).json()
    assert [tag["name"] for tag in document["tags"]] == ["Of guests"]


async def test_a_workspace_without_room_for_more_tags_takes_the_file_without_them(api: ApiHarness) -> None:
    home = await space(api.owner)
    for fifty in range(MAX_TAGS // 50):
        await sent(api.owner, home, b"x", name="x.md", tags=[f"{fifty}-{n}" for n in range(50)])
    told = await sent(api.owner, home, b"---\ntags: [New]\n---\n", name="x.md")
    assert told["items"][0]["notes"] == ["1 tag of the front matter was left out: New"]


async def test_a_word_document_comes_back_as_the_markdown_that_it_was(api: ApiHarness) -> None:
    text = (
        "# Head\n\nSome **bold** *italic* ~~gone~~ `code` and a [link](https://example.org)\n\n- one\n  - two\n"
        "- [x] done\n\n```\na\n  b\n```\n\n> quoted\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n"
    )
    made = await api.make(title="Out and in", content=text)
    file = await api.editor.get(f"/documents/{made['id']}/export", params={"format": "docx"})
    back = await only(api, file.content, name="x.docx")
    assert back["title"] == "Out and in"
    assert back["text"].replace("**a** | **b**", "a | b") == text


async def test_a_title_comes_from_the_request_the_file_or_its_name(api: ApiHarness) -> None:
    assert (await only(api, b"# A *b* `c`\n", name="x.md", title="Mine"))["title"] == "Mine"
    assert (await only(api, b"text\n\nA *b* `c`\n===\n", name="x.md"))["title"] == "A b c"
    assert (await only(api, b"text", name="C:\\docs\\Some notes.md"))["title"] == "Some notes"
    assert (await only(api, b"# \xe2\x80\xae\n", name="\u202e.md"))["title"] == "Untitled"
    assert (await only(api, ("# " + "long " * 500).encode(), name="x.md"))["title"].startswith("long long")
    answer = await api.editor.post(
        f"/workspaces/{api.team}/import",
        content=b"\xfftext",
        headers={"content-type": "text/plain; charset=latin-1"},
    )
    assert answer.json()["items"][0]["document"]["title"] == "Untitled"


async def test_tags_and_a_category_can_be_given(api: ApiHarness) -> None:
    category = (await api.editor.post(f"/workspaces/{api.team}/categories", json={"name": uuid4().hex})).json()
    made = await only(api, b"x", name="x.md", tags=["One", "Two"], category_id=category["id"])
    assert ([tag["name"] for tag in made["tags"]], made["category_id"]) == (["One", "Two"], category["id"])


@pytest.mark.parametrize(
    ("file", "name", "status", "code"),
    [
        (b"\xff\xfe\xfd", "x.md", 400, "malformed"),
        (b"\xff\x00\x1a", "x.txt", 400, "malformed"),
        (b"no update", "x.yjs", 400, "malformed"),
        (b"no zip", "x.docx", 400, "malformed"),
        (zipped({"a": "b"}), "x.docx", 400, "malformed"),
        (b"no zip", "x.zip", 400, "malformed"),
        (b"", "x.zip", 400, "malformed"),
        (b"x", "x.exe", 422, "unprocessable"),
        (b"x" * 4_000_001, "x.md", 413, "too_large"),
        (zipped({"manifest.json": "{}"}), "x.zip", 400, "malformed"),
        (zipped({"manifest.json": "[" * 100_000}), "x.zip", 400, "malformed"),
    ],
)
async def test_an_unreadable_file_is_refused(api: ApiHarness, file: bytes, name: str, status: int, code: str) -> None:
    assert await refusal(api, file, name=name) == (status, code)


async def test_a_word_document_is_bounded_when_it_is_unpacked(api: ApiHarness) -> None:
    good = docx_file.write("", blocks.read("x"), WHEN)
    with zipfile.ZipFile(io.BytesIO(good)) as package:
        parts: dict[str, bytes | str] = {name: package.read(name) for name in package.namelist()}
    bomb = zipped({**parts, "word/media/zeros.bin": bytes(210_000_000)}, compression=zipfile.ZIP_DEFLATED)
    assert await refusal(api, bomb, name="x.docx") == (413, "too_large")
    entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
    laughs = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY e0 "ha">{entities}]><d>&e9;</d>'
    assert (await refusal(api, zipped({**parts, "word/document.xml": laughs}), name="x.docx"))[1] in (
        "malformed",
        "unprocessable",
    )
    outside = '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>'
    answer = await api.editor.post(
        f"/workspaces/{api.team}/import",
        content=zipped({**parts, "word/document.xml": outside}),
        params={"name": "x.docx"},
    )
    assert "root:" not in answer.text


async def test_any_zip_of_files_is_documents_in_categories(api: ApiHarness) -> None:
    home = await space(api.owner)
    files: dict[str, bytes | str] = {
        "Top.md": "# Of the text",
        "Work/Plans/a.md": "a",
        "work/Plans/b.html": "<p>b",
        "__MACOSX/Work/._a.md": "x",
        ".hidden.md": "x",
        "picture.png": "x",
        "bad.md": b"\xff\x00",
    }
    told = await sent(api.owner, home, zipped(files), name="notes.zip")
    assert (told["created"], told["failed"]) == (3, 1)
    assert [(item["file"], item["code"]) for item in told["items"] if item["status"] == "failed"] == [
        ("bad.md", "malformed")
    ]
    categories = (await api.owner.get(f"/workspaces/{home}/categories")).json()["items"]
    assert sorted(category["name"] for category in categories) == ["Plans", "Work"]
    listed = (await api.owner.get(f"/workspaces/{home}/documents")).json()["items"]
    assert {item["title"]: item["category_id"] is not None for item in listed} == {
        "Of the text": False,
        "a": True,
        "b": True,
    }


@pytest.mark.parametrize(
    "path", ["../up.md", "/etc/up.md", "a/../../up.md", "..\\up.md", "C:\\up.md", "\\\\host\\up.md"]
)
async def test_a_path_that_leads_out_is_refused(api: ApiHarness, path: str) -> None:
    told = await sent(api.editor, api.team, zipped({path: "x", "good.md": "x"}), name="x.zip")
    assert [(item["status"], item["code"]) for item in told["items"]] == [("failed", "malformed"), ("created", None)]


async def test_a_zip_bomb_stops_at_its_bound(api: ApiHarness) -> None:
    text = b"x" * 40_000_000
    bomb = zipped({f"{n}.md": text for n in range(3)}, compression=zipfile.ZIP_DEFLATED)
    told = await sent(api.editor, api.team, bomb, name="x.zip")
    assert [item["code"] for item in told["items"]] == ["too_large"] * 3
    # A file that says it is small and is not.
    honest = zipped({"a.md": text[:20_000_000]}, compression=zipfile.ZIP_DEFLATED)
    lying = honest.replace(struct.pack("<I", 20_000_000), struct.pack("<I", 20))
    assert (await sent(api.editor, api.team, lying, name="x.zip"))["items"][0]["code"] == "malformed"


async def test_damaged_encrypted_and_endless_archives_are_refused(api: ApiHarness) -> None:
    good = bytearray(zipped({"a.md": b"x" * 1000, "b.md": b"fine"}))
    good[100] ^= 1
    told = await sent(api.editor, api.team, bytes(good), name="x.zip")
    assert [item["code"] for item in told["items"]] == ["malformed", None]
    locked = bytearray(zipped({"a.md": "x"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.find(signature) + offset] |= 1
    assert await refusal(api, bytes(locked), name="x.zip") == (422, "unprocessable")
    many = bytearray(zipped({"a.md": "x"}))
    many[many.rfind(b"PK\x05\x06") + 12 : many.rfind(b"PK\x05\x06") + 16] = struct.pack("<I", 17_000_000)
    assert await refusal(api, bytes(many), name="x.zip") == (413, "too_large")
    assert await refusal(api, zipped({f"{n}.md": "" for n in range(10_001)}), name="x.zip") == (413, "too_large")


async def test_a_manifest_is_not_believed(api: ApiHarness) -> None:
    entries: list[dict[str, Any]] = [
        {"title": "Good", "files": {"md": "a.md"}},
        {"title": "Bad type", "type": "exe", "files": {"md": "a.md"}},
        {"title": "Bad metadata", "type": "bookmark", "metadata": {"url": "javascript:x"}, "files": {"md": "a.md"}},
        {"title": ["x"], "tags": "x", "files": {"md": "a.md"}},
        {"title": "No file", "files": {"md": "b.md"}},
        {"title": "Odd", "files": [], "category": {"a": 1}, "metadata": {"deep": [[[[]]]]}},
        {"title": "Newer", "files": {"md": "a.md"}, "settings": {"own": 1, "collaboration_enabled": False}},
        {"title": "Old", "files": {"md": "a.md"}, "expires_at": "2001-01-01T00:00:00Z"},
    ]
    manifest = json.dumps({"format": "collab_server/workspace", "version": 1, "documents": entries})
    told = await sent(api.editor, api.team, zipped({"manifest.json": manifest, "a.md": "x"}), name="x.zip")
    assert [item["code"] for item in told["items"]] == [
        None, "malformed", "malformed", "malformed", "malformed", None, None, None,
    ]  # fmt: skip
    old = (await api.editor.get(f"/documents/{told['items'][-1]['document']['id']}")).json()
    assert old["expires_at"] is None
    newer = (await api.editor.get(f"/documents/{told['items'][-2]['document']['id']}")).json()
    assert newer["settings"] == {"collaboration": False, "extra": {"own": 1}}


async def test_only_people_who_may_create_documents_may_import(api: ApiHarness) -> None:
    path = f"/workspaces/{api.team}/import"
    for who in (api.commenter, api.viewer, await api.editor.with_scope("read")):
        assert refused(await who.post(path, content=b"x", params={"name": "x.md"})) == (403, "forbidden")
    assert refused(await api.stranger.post(path, content=b"x")) == (404, "not_found")
