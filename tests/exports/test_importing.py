"""Files become documents, one whole document each; what cannot be one is named, and bounds hold."""

import io
import json
import struct
import zipfile
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pycrdt
import pytest

from collab_server.documents.organizing_queries import MAX_TAGS
from collab_server.exports import blocks, docx_file
from tests.documents.office import PLAYGROUND, Office, refused
from tests.exports import word as words
from tests.exports.examples import specification
from tests.exports.test_archive import sent, space
from tests.people import Person

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
WHEN = datetime(2026, 1, 5, tzinfo=UTC)


async def only(office: Office, file: bytes, who: Person | None = None, **params: Any) -> dict[str, Any]:
    """The document that was made of a file, with its text."""
    who = who or office.editor
    told = await sent(who, office.team, file, **params)
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


async def refusal(office: Office, file: bytes, **params: Any) -> tuple[int, str]:
    before = await office.count("documents")
    answer = await office.editor.post(f"/workspaces/{office.team}/import", content=file, params=params)
    assert await office.count("documents") == before
    return refused(answer)


async def test_markdown_comes_and_goes_unchanged(office: Office) -> None:
    made = await only(office, specification().encode(), name="spec.md")
    assert made["text"] == specification()
    assert made["title"] == "CommonMark Spec", "as its front matter has it"
    again = await office.editor.get(f"/documents/{made['id']}/export")
    assert again.content == specification().encode()


async def test_a_yjs_update_comes_and_goes_unchanged(office: Office) -> None:
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    text = doc.get("content", type=pycrdt.Text)
    for word in ("one ", "two ", "\U0001f600"):
        text += word
    del text[0:4]
    doc.get("own", type=pycrdt.Map)["key"] = [1, {"a": None}]
    made = await only(office, doc.get_update(), name="Counting.yjs")
    assert (made["title"], made["text"]) == ("Counting", "two \U0001f600")
    back: pycrdt.Doc[Any] = pycrdt.Doc()
    back.apply_update((await office.editor.get(f"/documents/{made['id']}/export", params={"format": "yjs"})).content)
    assert back.get_state() == doc.get_state()
    assert back.get("own", type=pycrdt.Map).to_py() == {"key": [1, {"a": None}]}


async def test_html_becomes_markdown_without_what_runs(office: Office) -> None:
    page = "<!doctype html><title>The page</title><h1>Head</h1><script>evil()</script><p>a <b>b</b>"
    made = await only(office, page.encode(), name="x.html")
    assert (made["title"], made["text"]) == ("The page", "# Head\n\na **b**\n")
    old = await only(office, '<meta charset="iso-8859-1"><p>Stra\xdfe'.encode("latin-1"), name="Old.htm")
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
    office: Office, name: str, encoding: str, told: str, text: str
) -> None:
    answer = await sent(office.editor, office.team, text.encode(encoding), name=name)
    (item,) = answer["items"]
    assert (await office.editor.get(f"/documents/{item['document']['id']}/content")).text == text
    assert item["notes"] == [f"the text is not UTF-8 and was read as {told}"]


async def test_text_in_utf_8_is_noted_nothing_of_and_bytes_of_no_character_are_counted(office: Office) -> None:
    (item,) = (await sent(office.editor, office.team, "Größe".encode(), name="x.txt"))["items"]
    assert item["notes"] == []
    (item,) = (await sent(office.editor, office.team, b"Gr\xf6\xdfe \x81 caf\xe9", name="x.txt"))["items"]
    assert item["notes"] == ["the text is not UTF-8 and was read as Windows-1252; 1 character could not be read"]


async def test_what_a_word_document_loses_is_named_in_the_answer_and_in_that_of_a_zip(office: Office) -> None:
    file = words.package(words.paragraph(words.run("shown"), words.run("secret", "<w:vanish/>")))
    expected = ["1 piece of hidden content left out"]
    (item,) = (await sent(office.editor, office.team, file, name="x.docx"))["items"]
    assert item["notes"] == expected
    (item,) = (await sent(office.editor, office.team, zipped({"a.docx": file}), name="x.zip"))["items"]
    assert item["notes"] == expected


async def test_guests_bring_front_matter_too(office: Office) -> None:
    file = b"---\ntags: [Of guests]\n---\ntext"
    told = await sent(office.guest, PLAYGROUND, file, name="x.md")
    document = (await office.guest.get(f"/documents/{told['items'][0]['document']['id']}")).json()
    assert [tag["name"] for tag in document["tags"]] == ["Of guests"]


async def test_a_workspace_without_room_for_more_tags_takes_the_file_without_them(office: Office) -> None:
    home = await space(office.owner)
    for fifty in range(MAX_TAGS // 50):
        await sent(office.owner, home, b"x", name="x.md", tags=[f"{fifty}-{n}" for n in range(50)])
    told = await sent(office.owner, home, b"---\ntags: [New]\n---\n", name="x.md")
    assert told["items"][0]["notes"] == ["1 tag of the front matter was left out: New"]


async def test_a_word_document_comes_back_as_the_markdown_that_it_was(office: Office) -> None:
    text = (
        "# Head\n\nSome **bold** *italic* ~~gone~~ `code` and a [link](https://example.org)\n\n- one\n  - two\n"
        "- [x] done\n\n```\na\n  b\n```\n\n> quoted\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n"
    )
    made = await office.make(title="Out and in", content=text)
    file = await office.editor.get(f"/documents/{made['id']}/export", params={"format": "docx"})
    back = await only(office, file.content, name="x.docx")
    assert back["title"] == "Out and in"
    assert back["text"].replace("**a** | **b**", "a | b") == text


async def test_a_title_is_what_the_sender_the_file_or_its_name_tells(office: Office) -> None:
    assert (await only(office, b"# A *b* `c`\n", name="x.md", title="Mine"))["title"] == "Mine"
    assert (await only(office, b"text\n\nA *b* `c`\n===\n", name="x.md"))["title"] == "A b c"
    assert (await only(office, b"text", name="C:\\docs\\Some notes.md"))["title"] == "Some notes"
    assert (await only(office, b"# \xe2\x80\xae\n", name="\u202e.md"))["title"] == "Untitled"
    assert (await only(office, ("# " + "long " * 500).encode(), name="x.md"))["title"].startswith("long long")
    answer = await office.editor.post(
        f"/workspaces/{office.team}/import",
        content=b"\xfftext",
        headers={"content-type": "text/plain; charset=latin-1"},
    )
    assert answer.json()["items"][0]["document"]["title"] == "Untitled"


async def test_tags_and_a_category_can_be_given(office: Office) -> None:
    category = (await office.editor.post(f"/workspaces/{office.team}/categories", json={"name": uuid4().hex})).json()
    made = await only(office, b"x", name="x.md", tags=["One", "Two"], category_id=category["id"])
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
async def test_what_is_no_document_is_refused(office: Office, file: bytes, name: str, status: int, code: str) -> None:
    assert await refusal(office, file, name=name) == (status, code)


async def test_a_word_document_is_bounded_when_it_is_unpacked(office: Office) -> None:
    good = docx_file.write("", blocks.read("x"), WHEN)
    with zipfile.ZipFile(io.BytesIO(good)) as package:
        parts: dict[str, bytes | str] = {name: package.read(name) for name in package.namelist()}
    bomb = zipped({**parts, "word/media/zeros.bin": bytes(210_000_000)}, compression=zipfile.ZIP_DEFLATED)
    assert await refusal(office, bomb, name="x.docx") == (413, "too_large")
    entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
    laughs = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY e0 "ha">{entities}]><d>&e9;</d>'
    assert (await refusal(office, zipped({**parts, "word/document.xml": laughs}), name="x.docx"))[1] in (
        "malformed",
        "unprocessable",
    )
    outside = '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>'
    answer = await office.editor.post(
        f"/workspaces/{office.team}/import",
        content=zipped({**parts, "word/document.xml": outside}),
        params={"name": "x.docx"},
    )
    assert "root:" not in answer.text


async def test_any_zip_of_files_is_documents_in_categories(office: Office) -> None:
    home = await space(office.owner)
    files: dict[str, bytes | str] = {
        "Top.md": "# Of the text",
        "Work/Plans/a.md": "a",
        "work/Plans/b.html": "<p>b",
        "__MACOSX/Work/._a.md": "x",
        ".hidden.md": "x",
        "picture.png": "x",
        "bad.md": b"\xff\x00",
    }
    told = await sent(office.owner, home, zipped(files), name="notes.zip")
    assert (told["created"], told["failed"]) == (3, 1)
    assert [(item["file"], item["code"]) for item in told["items"] if item["status"] == "failed"] == [
        ("bad.md", "malformed")
    ]
    categories = (await office.owner.get(f"/workspaces/{home}/categories")).json()["items"]
    assert sorted(category["name"] for category in categories) == ["Plans", "Work"]
    listed = (await office.owner.get(f"/workspaces/{home}/documents")).json()["items"]
    assert {item["title"]: item["category_id"] is not None for item in listed} == {
        "Of the text": False,
        "a": True,
        "b": True,
    }


@pytest.mark.parametrize(
    "path", ["../up.md", "/etc/up.md", "a/../../up.md", "..\\up.md", "C:\\up.md", "\\\\host\\up.md"]
)
async def test_a_path_that_leads_out_is_refused(office: Office, path: str) -> None:
    told = await sent(office.editor, office.team, zipped({path: "x", "good.md": "x"}), name="x.zip")
    assert [(item["status"], item["code"]) for item in told["items"]] == [("failed", "malformed"), ("created", None)]


async def test_a_zip_bomb_stops_at_its_bound(office: Office) -> None:
    text = b"x" * 40_000_000
    bomb = zipped({f"{n}.md": text for n in range(3)}, compression=zipfile.ZIP_DEFLATED)
    told = await sent(office.editor, office.team, bomb, name="x.zip")
    assert [item["code"] for item in told["items"]] == ["too_large"] * 3
    # A file that says it is small and is not.
    honest = zipped({"a.md": text[:20_000_000]}, compression=zipfile.ZIP_DEFLATED)
    lying = honest.replace(struct.pack("<I", 20_000_000), struct.pack("<I", 20))
    assert (await sent(office.editor, office.team, lying, name="x.zip"))["items"][0]["code"] == "malformed"


async def test_damaged_encrypted_and_endless_archives_are_refused(office: Office) -> None:
    good = bytearray(zipped({"a.md": b"x" * 1000, "b.md": b"fine"}))
    good[100] ^= 1
    told = await sent(office.editor, office.team, bytes(good), name="x.zip")
    assert [item["code"] for item in told["items"]] == ["malformed", None]
    locked = bytearray(zipped({"a.md": "x"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.find(signature) + offset] |= 1
    assert await refusal(office, bytes(locked), name="x.zip") == (422, "unprocessable")
    many = bytearray(zipped({"a.md": "x"}))
    many[many.rfind(b"PK\x05\x06") + 12 : many.rfind(b"PK\x05\x06") + 16] = struct.pack("<I", 17_000_000)
    assert await refusal(office, bytes(many), name="x.zip") == (413, "too_large")
    assert await refusal(office, zipped({f"{n}.md": "" for n in range(10_001)}), name="x.zip") == (413, "too_large")


async def test_a_manifest_is_not_believed(office: Office) -> None:
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
    told = await sent(office.editor, office.team, zipped({"manifest.json": manifest, "a.md": "x"}), name="x.zip")
    assert [item["code"] for item in told["items"]] == [
        None, "malformed", "malformed", "malformed", "malformed", None, None, None,
    ]  # fmt: skip
    old = (await office.editor.get(f"/documents/{told['items'][-1]['document']['id']}")).json()
    assert old["expires_at"] is None
    newer = (await office.editor.get(f"/documents/{told['items'][-2]['document']['id']}")).json()
    assert newer["settings"] == {"collaboration": False, "extra": {"own": 1}}


async def test_who_may_create_documents_may_import(office: Office) -> None:
    path = f"/workspaces/{office.team}/import"
    for who in (office.commenter, office.viewer, await office.editor.with_scope("read")):
        assert refused(await who.post(path, content=b"x", params={"name": "x.md"})) == (403, "forbidden")
    assert refused(await office.stranger.post(path, content=b"x")) == (404, "not_found")
