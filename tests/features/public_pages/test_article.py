"""What Markdown becomes on a public page, without a server."""

import re

import pytest

from collab_server.features.content.markup import TooLong
from collab_server.features.public_pages import article_writer, diagrams
from collab_server.features.public_pages.article import Article, Picture
from collab_server.features.public_pages.article_writer import render
from tests.features.public_pages.publishing import check_html

ID = "5f3c1f1e-98a1-4c2c-9a1e-0c3f9e0f7d11"
PATH = f"/api/v1/attachments/{ID}/content"


def body_of(markdown: str, title: str = "Title", **options: object) -> str:
    body = render(markdown, title, {}, **options).body  # type: ignore[arg-type]
    check_html(f"<!doctype html><html><head><title>x</title></head><body>{body}</body></html>")
    return body


def test_tags_of_marks_are_kept() -> None:
    assert body_of("<u>a</u> <mark>b</mark> <sup>c</sup> <u>d") == (
        "<p><u>a</u> <mark>b</mark> <sup>c</sup> &lt;u&gt;d</p>\n"
    )


def test_headings_have_anchors_that_are_theirs_alone() -> None:
    article = render("## One *two*\n\n## One two\n\n> ## Quoted\n\n### ½ `x`!\n\n##\n\n## page", "Title", {})
    assert [(entry.level, entry.anchor, entry.text) for entry in article.contents] == [
        (2, "one-two", "One two"),
        (2, "one-two-1", "One two"),
        (3, "½-x", "½ x!"),
        (2, "page-1", "page"),
    ]
    anchors = re.findall(r' id="([^"]*)"', article.body)
    assert anchors == ["one-two", "one-two-1", "quoted", "½-x", "section", "page-1"]
    assert all(f'href="#{anchor}"' in article.body for anchor in anchors)


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [("# My *Plan*\n\nx", "My <em>Plan</em>"), ("# Other\n\nx", None), ("x\n\n# My Plan", None), ("", None)],
)
def test_a_first_heading_with_the_title_is_the_title_of_the_page(markdown: str, shown: str | None) -> None:
    article = render(markdown, "My  Plan", {})
    assert article.title == shown
    assert ("<h1" in article.body) == ("# " in markdown and shown is None)


def test_front_matter_is_not_shown() -> None:
    assert "secret" not in body_of("---\ntitle: secret\n---\n\ntext")


def test_code_has_colours_and_stays_text() -> None:
    body = body_of("```python\ndef f(): return '<script>'\n```\n\n```nolanguage\n<b>\n```\n\n    indented\n")
    assert '<span class="hl-k">def</span>' in body
    assert "<script>" not in body and "&lt;script&gt;" in body
    assert '<code class="language-nolanguage">&lt;b&gt;' in body
    assert body.count('tabindex="0"') == 3


def test_a_language_chooses_no_class() -> None:
    assert "evil" not in body_of('```x"class="evil\ny\n```').replace("&quot;", "")


def test_formulas_become_mathml_without_styles() -> None:
    body = body_of(
        "$E = mc^2$ and $5, x$6 and $7\n\n$$\n\\begin{align}a&=b\\\\c&=d\\end{align}\n$$\n\n```math\n\\color{red}x\n```"
    )
    assert body.count("<math") == 3
    assert "and $5, x$6 and $7" in body
    assert " style=" not in body and 'mathcolor="#FF0000"' in body and 'class="m-right m-pr-0"' in body


def test_a_formula_that_cannot_be_read_is_shown_as_it_is_written() -> None:
    body = body_of("$\\undefined{<b>}$ and $" + "x" * 5000 + "$")
    assert "\\undefined{&lt;b&gt;}</code>" in body and body.count("bad-formula") == 2
    assert "Unknown command" in body and "<math" not in body


def test_a_diagram_is_a_picture_for_each_theme_with_its_source_below() -> None:
    article = render("```mermaid\nflowchart LR\n  accTitle: From A to B\n  A --> B\n```", "Title", {})
    light, dark = (
        next(name for name in article.diagrams if name.endswith(f"{theme}.svg")) for theme in ("light", "dark")
    )
    assert f'src="/p/:slug/diagrams/{light}"' in article.body and f'srcset="/p/:slug/diagrams/{dark}"' in article.body
    assert 'alt="From A to B"' in article.body and "A --&gt; B" in article.body
    assert article.diagrams[light] != article.diagrams[dark]
    assert all(svg.startswith("<svg") for svg in article.diagrams.values())


@pytest.mark.parametrize("source", ["flowchart LR\n  A --", "nothing of mermaid", "x" * 30_000, ""])
def test_a_diagram_that_cannot_be_drawn_is_shown_as_its_source(source: str) -> None:
    article = render(f"```mermaid\n{source}\n```", "Title", {})
    assert "This diagram could not be drawn: " in article.body
    assert article.diagrams == {} and "<img" not in article.body


def test_a_renderer_that_fails_costs_its_diagram_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        pass

    def panic(_: str) -> str:
        raise PanicException

    monkeypatch.setattr(diagrams, "_load_renderer", lambda: panic)
    article = render("one\n\n```mermaid\npie\n```\n\ntwo", "Title", {})
    assert "could not be drawn: the renderer has failed" in article.body and "<p>two</p>" in article.body


def test_a_large_diagram_does_not_take_the_place_of_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagrams, "MAX_BYTES", 150_000)
    many = "sequenceDiagram\n" + "A->>B: x\n" * 400
    article = render(f'```mermaid\n{many}\n```\n\n```mermaid\npie\n "a": 1\n```', "Title", {})
    assert len(article.diagrams) == 2 and "at most 150000 bytes together" in article.body


def test_a_page_has_a_bounded_number_of_diagrams() -> None:
    article = render("\n".join(f"```mermaid\nflowchart LR\n  A --> B{number}\n```\n" for number in range(42)), "T", {})
    assert len(article.diagrams) == 80
    assert article.body.count("a page shows at most 40 diagrams") == 2


def test_pictures_of_the_document_have_sizes_and_smaller_copies() -> None:
    pictures = {ID: Picture(1200, 800, (160, 640, 1280))}
    own = f"![Beds]({PATH})\n\n![Signed](https://docs.example{PATH}?expires=1&signature=secret)"
    article = render(own, "Title", pictures, "https://docs.example")
    assert article.image == PATH
    assert article.body.count(f'src="{PATH}"') == 2 and "secret" not in article.body
    copies = f"/api/v1/attachments/{ID}/thumbnail?width="
    assert f'srcset="{copies}160 160w, {copies}640 640w, {PATH} 1200w"' in article.body
    assert 'width="1200"' in article.body and 'height="800"' in article.body and 'loading="lazy"' in article.body


def test_pictures_from_elsewhere_are_links() -> None:
    body = body_of("![Bed](https://images.example/x.png) [![Badge](//images.example/y.png)](https://example.org)")
    assert "<img" not in body
    assert 'href="https://images.example/x.png"' in body and "(images.example)" in body
    assert '<span class="outside">Badge</span></a>' in body


def test_pictures_without_a_safe_address_are_their_words() -> None:
    body = body_of("![one](javascript:alert(1)) ![two](data:text/html,x) ![three]() ![four](http://[)")
    assert "<img" not in body and "javascript" not in body
    assert all(word in body for word in ("one", "two", "three", "four"))
    assert "<img" in body_of("![dot](data:image/png;base64,AAAA)")


def test_html_and_scripts_are_text() -> None:
    body = body_of(
        '<script>alert(1)</script> <b id="x" onclick="y">z</b> [a](javascript:alert(1)) <http://x.y/"onclick=1>'
    )
    assert set(re.findall(r"<(\w+)", body)) == {"p", "a"}
    tags = " ".join(re.findall(r"<[^>]*>", body))
    assert "javascript:" not in tags and " onclick" not in tags


def test_tables_and_tasks_are_readable_without_styles() -> None:
    body = body_of("| a | b |\n|---|--:|\n| 1 | 2 |\n\n- [x] done\n- [ ] open")
    assert '<td class="right">' in body and "align=" not in body
    assert 'aria-label="Done"' in body and 'aria-label="Not done"' in body and "<input" not in body


def test_a_document_that_is_no_text_is_shown_as_code() -> None:
    body = body_of('{"a": {"b": "```"}}')
    assert 'class="language-json"' in body and "<pre" in body
    assert "<p>{not json}</p>" in body_of("{not json}")


def test_an_article_is_the_same_after_it_was_stored() -> None:
    article = render('# A\n\n## B\n\ntext\n\n```mermaid\npie\n "a": 1\n```', "A", {})
    again = Article.from_json(article.to_json())
    assert (again.body, list(again.contents), again.diagrams) == (
        article.body,
        list(article.contents),
        article.diagrams,
    )


def test_the_description_is_the_first_prose() -> None:
    article = render("# A\n\n```\ncode\n```\n\nThe **first** [words](https://x.y).\n\n- item", "A", {})
    assert article.description == "The first words."


def test_a_result_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(article_writer, "MAX_BYTES", 1000)
    render("x" * 900, "Title", {})
    with pytest.raises(TooLong):
        render("## x\n\n" * 90, "Title", {})
