"""Documents as Tiptap's own binding writes and reads them: what a program puts into one fits the editor's schema."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from collab_server.core.documents.apply_edit import Put, apply_edit
from collab_server.core.documents.projection import project
from collab_server.core.yjs import updates
from tests.core.fragments import Fragment, element, p
from tests.features.exports.examples import examples, specification
from tests.seeds import choose_seed
from tests.tiptap.packages import Oracle


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    with Oracle() as process:
        yield process


def tree(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"type": "doc", "content": list(blocks)}


def paragraph(*texts: str, **attributes: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": text} for text in texts]
    return {"type": "paragraph", "attrs": attributes, "content": content}


def put(update: bytes, text: str, client: int = 77) -> bytes:
    made = apply_edit([update], client, Put(text), None)
    return updates.merge([update, made.update])


def test_a_tree_that_does_not_fit_is_noticed(oracle: Oracle) -> None:
    with pytest.raises(AssertionError):
        oracle.read(Fragment(p("x"), element("bulletList", element("listItem", "no paragraph"))).update)


def test_every_example_of_commonmark_becomes_a_document_that_fits(oracle: Oracle) -> None:
    update = oracle.write(tree(paragraph("start")))
    for number, text in enumerate([*examples(), specification()]):
        oracle.read(put(update, text, 100 + number))


def test_one_example_after_another_in_the_same_document_fits(oracle: Oracle) -> None:
    seed = choose_seed()
    dice = random.Random(seed)
    texts = examples()
    update = oracle.write(tree(paragraph("start")))
    for number in range(80):
        text = project(update).content
        cut = dice.randint(0, len(text))
        update = put(update, f"{text[:cut][-2000:]}\n\n{dice.choice(texts)}\n\n{text[cut:][:2000]}", 100 + number % 3)
        oracle.read(update)


def test_what_the_binding_wrote_keeps_its_attributes_and_shows_what_was_put(oracle: Oracle) -> None:
    update = oracle.write(
        tree(
            {
                "type": "heading",
                "attrs": {"level": 2, "textAlign": "right"},
                "content": [{"type": "text", "text": "Plan"}],
            },
            paragraph("one two three", textAlign="center"),
            {"type": "codeBlock", "attrs": {"language": "js"}, "content": [{"type": "text", "text": "let x"}]},
        )
    )
    text = project(update).content
    assert text == "## Plan\n\none two three\n\n```js\nlet x\n```"
    shown = oracle.read(put(update, text.replace("## Plan", "# Plans").replace("two", "**2**\\\n").replace("js", "ts")))
    assert [(block["type"], block["attrs"]) for block in shown["content"]] == [
        ("heading", {"level": 1, "textAlign": "right"}),
        ("paragraph", {"textAlign": "center"}),
        ("codeBlock", {"language": "ts"}),
    ]
    assert shown["content"][1]["content"] == [
        {"type": "text", "text": "one "},
        {"type": "text", "text": "2", "marks": [{"type": "bold"}]},
        {"type": "hardBreak"},
        {"type": "text", "text": "three"},
    ]
