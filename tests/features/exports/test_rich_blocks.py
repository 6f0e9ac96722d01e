"""Callouts, toggles and formulas in the files of a document and in its HTML."""

import io
from datetime import UTC, datetime

import docx

from collab_server.features.content.markup import render
from collab_server.features.exports import blocks, docx_file, pdf_file
from collab_server.features.exports.formats import write_page
from collab_server.features.public_pages import article_writer
from tests.features.exports.test_formats import pages_of

CHANGED = datetime(2026, 1, 2, tzinfo=UTC)
TEXT = """\
> [!WARNING]
> Hot *plate*.
>
> - a

Energy $E = mc^2$ is $b<1$.

$$
\\frac{a}{b}
$$

<details>
<summary>More *about* it</summary>

Hidden.

</details>

<details onclick="x()">

Costs[^1] and[^2].

[^1]: Much
"""


def test_html_has_them_without_anything_else() -> None:
    html = render(TEXT, "html")
    assert '<div class="callout warning" role="note"><p class="callout-title">Warning</p>' in html
    assert "<details>" in html and "<summary>More <em>about</em> it</summary>" in html
    assert html.count("<math") == 3 and '<math display="block"' in html
    assert '<sup class="footnote-ref"><a href="#note-1" id="note-ref-1"' in html and "and[^2]." in html
    assert '<div class="footnote" id="note-1"><p><sup>1</sup> Much <a href="#note-ref-1"' in html
    assert "&lt;details onclick" in html and "style=" not in html
    assert ".callout.warning" in write_page("Title", html).decode()


def test_text_has_their_words() -> None:
    text = render(TEXT, "text")
    assert text.startswith("Warning\nHot plate.\n")
    assert "Energy E = mc^2 is b<1." in text and "\\frac{a}{b}" in text
    assert "More about it" in text and "Hidden." in text


def test_public_pages_have_them() -> None:
    body = article_writer.render(TEXT, "Title", {}).body
    assert 'class="callout warning"' in body and "<summary>More <em>about</em> it</summary>" in body
    assert body.count("<math") == 3


def test_word_has_them() -> None:
    document = docx.Document(io.BytesIO(docx_file.write("Title", blocks.read(TEXT), CHANGED)))
    paragraphs = [(each.style.name if each.style else "", each.text) for each in document.paragraphs]
    assert ("Callout Warning", "Warning") in paragraphs
    assert ("Code", "\\frac{a}{b}") in paragraphs
    assert ("Normal", "Energy E = mc^2 is b<1.") in paragraphs
    [summary] = [each for each in document.paragraphs if each.text == "More about it"]
    assert all(run.bold for run in summary.runs)
    assert ("Normal", "Hidden.") in paragraphs
    assert ("Normal", "1 Much") in paragraphs


def test_pdf_has_them() -> None:
    text = " ".join(pages_of(pdf_file.write("Title", blocks.read(TEXT), CHANGED)).split())
    for words in ("Warning Hot plate.", "E = mc^2", "More about it Hidden.", "frac{a}{b}", "1 Much"):
        assert words in text
