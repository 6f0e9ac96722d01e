"""Every format opens in its own reader and says what the document says."""

import io
import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from uuid import uuid4

import docx
import httpx
import pycrdt
import pypdf
import pytest
from docx.enum.text import WD_COLOR_INDEX
from docx.oxml.ns import qn

from collab_server.features.exports import blocks, docx_file, formats, pdf_file
from tests.features.api_harness import PLAYGROUND, ApiHarness, refused
from tests.peers import Peer

WHEN = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
EVERYTHING = """\
# Résumé of *everything*

Some **bold**, _italic_, ~~gone~~ and `code`, a [link](https://example.org/a?b=1&c=2 "title") and ![a picture](https://example.org/i.png).
A [bad link](javascript:alert(1)) and <script>alert(2)</script>.\\
A new line.

- one
  - deeper
    1. first
    2. second

       its own paragraph
- [ ] to do
- [x] done

7. seven
8. eight

   ```python
   def f(x):
   \treturn x < 1 & 2
   ```

> quoted
>
> > twice

| left | right |
|:-----|------:|
| a \\| b | שלום |
| **x** | 漢字 |

***

Ελληνικά, Кириллица, 漢字かな交じり文, 한국어, สวัสดี, नमस्ते, 😀 \U0001f469\u200d\U0001f680
"""
SAID = (
    "Résumé of everything",
    "bold",
    "a picture",
    "bad link",
    "deeper",
    "its own paragraph",
    "seven",
    "return x < 1 & 2",
    "twice",
    "a | b",
    "漢字かな交じり文",
    "한국어",
    "Ελληνικά",
    "Кириллица",
    "สวัสดี",
    "😀",
)
EVIL = (
    "\x00\x01\x0b\x1b\x7f",
    "\ufffe\uffff",
    "\ud800",
    "]]>",
    "&#x0;",
    "#sys.inputs $x$ <label> @ref \\u{41}",
    "{{}}",
)


class Page(HTMLParser):
    """`tags`, `text`, and where its links go."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


async def exported(api: ApiHarness, document: str, form: str, who: httpx.AsyncClient | None = None) -> httpx.Response:
    answer = await (who or api.editor).get(f"/documents/{document}/export", params={"format": form})
    assert answer.status_code == 200, answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    return answer


@pytest.fixture(scope="module")
async def document(api: ApiHarness) -> str:
    made = await api.make(title="Résumé: a/b", content=EVERYTHING, tags=["Plans"], description="About all")
    return str(made["id"])


def words_of(file: bytes) -> str:
    """What Word shows, tables included."""
    return "".join(
        node.text or "" if node.tag == qn("w:t") else "\n"
        for node in docx.Document(io.BytesIO(file)).element.body.iter(qn("w:t"), qn("w:p"), qn("w:br"))
    )


def pages_of(file: bytes) -> str:
    """Signs that stand above others have a control character behind them in what pypdf reads."""
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(file)).pages)
    return re.sub("[\x00-\x08]", "", text)


async def test_markdown_is_the_text_itself(api: ApiHarness, document: str) -> None:
    answer = await exported(api, document, "md")
    assert answer.text == EVERYTHING
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"Resume a b.md\"; filename*=UTF-8''R%C3%A9sum%C3%A9%20a%20b.md"
    )


async def test_html_is_a_complete_page_in_which_nothing_runs(api: ApiHarness, document: str) -> None:
    answer = await exported(api, document, "html")
    page = Page(answer.text)
    assert answer.text.startswith("<!doctype html>")
    assert {"html", "head", "title", "body", "h1", "table", "ul", "ol", "input", "blockquote", "pre"} <= set(page.tags)
    assert "script" not in page.tags
    assert not any(link.startswith("javascript") for link in page.links)
    assert "Résumé: a/b" in page.text
    for said in SAID:
        assert said in page.text or said == "a picture", said
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_plain_text_has_no_marks(api: ApiHarness, document: str) -> None:
    text = (await exported(api, document, "txt")).text
    assert text.startswith("Résumé of everything\nSome bold, italic, gone and code")


async def test_json_has_text_and_metadata(api: ApiHarness, document: str) -> None:
    answer = (await exported(api, document, "json")).json()
    assert answer["content"] == EVERYTHING
    assert (answer["title"], answer["tags"], answer["description"]) == ("Résumé: a/b", ["Plans"], "About all")


async def test_yjs_is_an_update_that_holds_the_document(api: ApiHarness, document: str) -> None:
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    doc.apply_update((await exported(api, document, "yjs")).content)
    assert str(doc.get("content", type=pycrdt.Text)) == EVERYTHING


async def test_docx_opens_with_its_structure(api: ApiHarness, document: str) -> None:
    file = (await exported(api, document, "docx")).content
    words = words_of(file)
    for said in SAID:
        assert said in words, said
    opened = docx.Document(io.BytesIO(file))
    assert opened.core_properties.title == "Résumé: a/b"
    styles = [p.style.name for p in opened.paragraphs if p.style]
    assert styles[0] == "Heading 1"
    assert {"List Paragraph", "Code", "Quote"} <= set(styles)
    assert [len(row.cells) for row in opened.tables[0].rows] == [2, 2, 2]
    links = [relation.target_ref for relation in opened.part.rels.values() if relation.is_external]
    assert links == ["https://example.org/a?b=1&c=2", "https://example.org/i.png"]


async def test_pdf_opens_and_shows_every_script(api: ApiHarness, document: str) -> None:
    file = (await exported(api, document, "pdf")).content
    text = pages_of(file)
    for said in SAID:
        assert said in text, said
    reader = pypdf.PdfReader(io.BytesIO(file))
    assert reader.metadata is not None and reader.metadata.title == "Résumé: a/b"
    outline = reader.outline[0]
    assert isinstance(outline, pypdf.generic.Destination) and outline.title == "Résumé of everything"


async def test_an_export_contains_the_latest_edits(api: ApiHarness, document: str) -> None:
    made = await api.make(title="Live", workspace=PLAYGROUND, name=f"live-{uuid4().hex}", who=api.guest)
    peer = await Peer(api.server, "yws", made["name"]).sync()
    try:
        peer.insert("typed a moment ago")
        await peer.saved()
        for form in ("md", "txt", "json", "html"):
            assert "typed a moment ago" in (await exported(api, made["id"], form, api.guest)).text
        peer.insert(" and more")
        await peer.saved()
        assert " and more" in (await exported(api, made["id"], "md", api.guest)).text
        doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
        doc.apply_update((await exported(api, made["id"], "yjs", api.guest)).content)
        assert str(doc.get("content", type=pycrdt.Text)) == "typed a moment ago and more"
    finally:
        await peer.close()


@pytest.mark.parametrize("form", formats.FORMATS)
async def test_an_unchanged_document_is_not_sent_again(api: ApiHarness, form: str) -> None:
    made = await api.make(content="first")
    path = f"/documents/{made['id']}/export"
    first = await api.editor.get(path, params={"format": form})
    again = {"if-none-match": f'"other", {first.headers["etag"]}'}
    assert (await api.editor.get(path, params={"format": form}, headers=again)).status_code == 304
    changed = await api.editor.patch(f"/documents/{made['id']}", json={"title": "Other"})
    assert changed.status_code == 200
    assert (await api.editor.get(path, params={"format": form}, headers=again)).status_code == 200


async def test_a_text_that_is_longer_than_lists_keep_is_exported_whole(api: ApiHarness) -> None:
    line = "0123456789abcde\n"
    made = await api.make(workspace=PLAYGROUND, who=api.guest, name=f"long-{uuid4().hex}")
    peer = await Peer(api.server, "yws", made["name"]).sync()
    try:
        for _ in range(2):  # one message may not be as large as that
            peer.insert(line * 350_000)
            await peer.saved()
    finally:
        await peer.close()
    assert (await exported(api, made["id"], "md", api.guest)).text == line * 700_000
    for form in ("html", "txt", "docx", "pdf"):
        answer = await api.guest.get(f"/documents/{made['id']}/export", params={"format": form})
        assert refused(answer) == (413, "too_large")


async def test_a_password_leaves_only_as_its_owner_encrypted_it(api: ApiHarness) -> None:
    made = await api.make(type="password", content_encrypted="c2VjcmV0", encryption={"alg": "x"})
    path = f"/documents/{made['id']}/export"
    kept = (await api.editor.get(path, params={"format": "json"})).json()
    assert (kept["content"], kept["content_encrypted"], kept["encryption"]) == ("", "c2VjcmV0", {"alg": "x"})
    assert refused(await api.editor.get(path, params={"format": "md"})) == (422, "unprocessable")


async def test_only_readers_may_export(api: ApiHarness, document: str) -> None:
    await exported(api, document, "md", api.viewer)
    path = f"/documents/{document}/export"
    assert refused(await api.stranger.get(path)) == (404, "not_found")
    assert refused(await api.editor.get(path, params={"format": "exe"})) == (422, "invalid")


@pytest.mark.parametrize("text", EVIL)
def test_no_text_breaks_a_file(text: str) -> None:
    for markdown in (text, f"# {text}\n\n- [x] `{text}`\n\n```{text}\n{text}\n```\n\n|{text}|b|\n|-|-|\n|{text}|"):
        read = blocks.read(f"{markdown}\n\nthe end")
        assert "the end" in words_of(docx_file.write(text, read, WHEN))
        storable = markdown.encode("utf-8", "replace").decode()
        assert "the end" in pages_of(pdf_file.write("t", blocks.read(f"{storable}\n\nthe end"), WHEN))


def test_commonmarks_examples_become_files(markdown_examples: list[str]) -> None:
    together = blocks.read("\n\n".join(markdown_examples))
    assert "foo" in words_of(docx_file.write("All", together, WHEN))
    assert len(pypdf.PdfReader(io.BytesIO(pdf_file.write("All", together, WHEN))).pages) > 5


def test_nested_looks_end_where_they_end() -> None:
    [paragraph] = blocks.read("**a **b** c** *d*")
    assert isinstance(paragraph, blocks.Paragraph)
    assert [(run.text, run.bold, run.italic) for run in paragraph.runs] == [
        ("a b c", True, False),
        (" ", False, False),
        ("d", False, True),
    ]


def test_marks_that_are_tags_in_markdown_are_looks_in_files() -> None:
    text = "<u>under</u> <mark>marked</mark> <sub>low</sub> <sup>high</sup> <mark><u>both</u></mark> <u>open"
    file = docx_file.write("T", blocks.read(text), WHEN)
    (paragraph,) = [each for each in docx.Document(io.BytesIO(file)).paragraphs if "under" in each.text]
    assert paragraph.text == "under marked low high both <u>open"
    fonts = {run.text: run.font for run in paragraph.runs}
    assert fonts["under"].underline is True
    assert fonts["marked"].highlight_color == WD_COLOR_INDEX.YELLOW
    assert fonts["low"].subscript
    assert fonts["high"].superscript
    assert fonts["both"].underline
    assert fonts["both"].highlight_color == WD_COLOR_INDEX.YELLOW
    words = pages_of(pdf_file.write("T", blocks.read(text), WHEN))
    assert all(word in words for word in ("under", "marked", "low", "high", "both", "<u>open"))
    assert "<mark>" not in words


def test_json_is_json_whatever_the_text() -> None:
    assert json.loads(formats.write_json({"a": 1}, '"\\\u2028</script>'))["content"] == '"\\\u2028</script>'
