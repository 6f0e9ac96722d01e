"""Excerpts and first headings: the words of a text without its marks, from a beginning that is cut anywhere."""

import json
import time
from pathlib import Path

import pytest

from collab_server.core.markdown.excerpts import MAX_EXCERPT, excerpt, first_heading, plain_section, plain_text
from collab_server.features.content.markup import render

HEADINGS = json.loads((Path(__file__).parent / "headings.json").read_text())


@pytest.mark.parametrize(("text", "title"), HEADINGS, ids=repr)
def test_the_first_heading_is_found(text: str, title: str | None) -> None:
    assert first_heading(text) == title


@pytest.mark.parametrize(
    "text",
    [
        "# Launch plan\n\nA list of **bold** and *it* words, `code_x`, [a link](https://e.org/a_b)\n\n- one\n  - two",
        "Title\n=====\n\ntext 2 * 3 and a*b*c\n\n| a | b |\n|---|:-:|\n| 1 | **2** |\n",
        "```py\n# not *a* heading\n```\n# Real #\n",
        "1. one\n2. two ~~gone~~ ***both*** **a *b* c** __x__ \\*not\\* &amp; <https://x.org> AT&T a < b\n\n***\nend",
        "> quoted _text_ and snake_case_name\n> more\n\n~~~\ncode `x`\n~~~\n",
        "[ref]: https://example.org\n\n[a][ref] and ``a ` b`` and 5 > 3",
    ],
    ids=lambda text: text[:12],
)
def test_the_excerpt_of_ordinary_markdown_is_its_rendered_text(text: str) -> None:
    assert plain_text(text) == " ".join(render(text, "text").split())


def test_text_between_two_rules_is_text_unless_it_is_front_matter() -> None:
    text = "---\nHello there.\n---\n\n# Later\n"
    assert excerpt(text) == "Hello there. Later"
    assert first_heading(text) == "Hello there."
    assert excerpt("---\ntitle: A\n---\nMore") == "More"


def test_an_excerpt_shows_no_front_matter_task_boxes_or_addresses_of_pictures() -> None:
    text = "---\ntitle: x\ntags:\n- a\n---\n- [x] done\n\n![a cat](data:image/png;base64,AAAA) sat"
    assert plain_text(text) == "done a cat sat"
    assert plain_text("---\ntitle: x\ntags: [very, long") == ""
    assert plain_text("seen ![a cat](data:image/png;base64," + "A" * 1000) == "seen a cat"


def test_an_excerpt_is_one_line_of_bounded_length() -> None:
    assert excerpt("word\n" * 1000) == ("word " * 1000)[:MAX_EXCERPT].strip()
    assert len(excerpt("x" * 1000)) == MAX_EXCERPT


def test_a_part_of_a_text_keeps_what_was_found_and_drops_cut_marks() -> None:
    assert plain_section("…plan](https://x.org/a) of **\x02bold\x03** words") == "…plan of \x02bold\x03 words"
    assert (
        plain_section("see [the page](https://\x02example\x03.org/x)") == "see the page (https://\x02example\x03.org/x)"
    )
    assert plain_section("# \x02Launch\x03 *plan*") == "\x02Launch\x03 plan"


@pytest.mark.parametrize(
    "part",
    ["`", "*", "_", "[", "](", "> ", "- ", "# ", "\\", "<a:", "| ", "-", "|-", "a:\n- ", "~", "*a ", "![", "``a`", " "],
)
def test_hostile_texts_cost_no_more_than_their_length(part: str) -> None:
    """In time of the processor: a pattern that tries everything would take longer than anybody waits."""
    for text in (part * 1000, "---\n" + part * 1000, "# " + part * 3000, part * 4000):
        began = time.process_time()
        excerpt(text[:1000])
        first_heading(text)
        plain_section("…" + text[:400])
        assert time.process_time() - began < 2
