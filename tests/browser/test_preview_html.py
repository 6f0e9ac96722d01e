"""The preview of the document page makes the same of Markdown as the server's public pages."""

import json
import re
import subprocess
from html import escape
from html.parser import HTMLParser

import pytest

from collab_server.core.markdown.parser import new_document_parser
from collab_server.features.public_pages.article_writer import render
from tests.features.exports.examples import examples
from tests.require import ROOT

STATIC = ROOT / "static"
SCRIPT = """
import { readFileSync } from 'node:fs';
import { toBlocks } from './src/editor/markdown/markdown-html.js';
const texts = JSON.parse(readFileSync(0, 'utf8'));
console.log(JSON.stringify(texts.map((text) => toBlocks(text).map(({ html }) => html).join(''))));
"""
AROUND = {"div", "figure", "label", "input", "span", "thead", "tbody"}
"""Elements for the look of a page. Both forms have their own."""
MORE = [
    "a <u>b</u> <mark>c</mark> <b>d <i>e</i> f</b> <s>g <sub>g</sup>",
    "one<br>two<BR />three",
    "~~struck~~ and ~one~",
    "| a | b |\n|:--|--:|\n| 1 | `c\\|d` |\n| 2 |",
    "- [ ] open\n- [x] done\n  - [X] inner\n- plain\n\n1. [ ] numbered",
    "---\ntitle: hidden\ntags: [a]\n---\nshown",
    "---\n\nno front matter\n\n---",
    "5$ and 6$, \\$a$, $ b$",
    "![alt](https://elsewhere.example/a.png) [![alt](https://elsewhere.example/a.png)](https://example.org)",
    "> [!NOTE]\n> a *b*\n>\n> - c\n\n> [!tip]\n\n> [!OTHER]\n> d\n\n- > [!CAUTION]\n  > e",
    "<details>\n<summary>a *b*</summary>\n\nc\n\n<details open><summary>d</summary>\ne\n</details>\n</details>\n",
    "a\n\n</details>",
    "a[^1] b[^x] [^1](c) `[^1]`\n\n[^1]: The *note*\nin lines\n[^n.2]: d\n\n> [^q]: e\n\n- [^1]\n\n[^x]",
    "<details>\n\n- a\n</details>\n\n> <details>\n> b\n\ntext\n<details>\n</details>",
    "# Same\n\n# Same\n\n[to](#same-1)",
]

pytestmark = pytest.mark.usefixtures("node_packages")


class Shape(HTMLParser):
    """The elements and the words of a page. What formulas and coloured code are made of is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._in_anchor = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._in_anchor = tag == "a" and given.get("class") == "anchor"
        if tag in AROUND or self._in_anchor:
            return
        kept = {name: given[name] for name in ("href", "start", "title", "alt") if given.get(name)}
        self.parts.append(f"<{tag} {kept}>" if kept else f"<{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if self._in_anchor and tag == "a":
            self._in_anchor = False
        elif tag not in AROUND and tag not in ("br", "hr", "img"):
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.parts.append(escape(data))


def shape(html: str) -> str:
    parser = Shape()
    parser.feed(html)
    return re.sub(r" ?(<[^>]*>) ?", r"\1", " ".join("".join(parser.parts).split()))


FORMULAS = [
    "a $x$ $y$z $$w$$",
    "$$\nx\n y\n$$\n$$z$$ \n\n$$ a $$ b",
    "- $$\n\n$$\n\n> $$\n> x\n> $$",
    r"\$a$ $b\$ c$ $\\$ $$ $ $$ 1$x$ $x$2 $a$$b$",
    "$ a$ $b $ $$\n\n$$ `$c$` [$d$](e) ![$f$](g)",
    "1. a\n   $$\n   x\n   $$\n2. $$\nlazy$$",
]


def test_the_preview_finds_the_formulas_of_public_pages() -> None:
    """Their content, in order. What they look like is for KaTeX and the server's converter."""
    script = SCRIPT.replace(
        "=> html).join('')",
        r"=> [...html.matchAll(/class=\"formula\"[^>]*>([^<]*)</g)].map((found) => found[1])).flat()",
    )
    run = subprocess.run(
        ["node", "--input-type=module", "-e", script],
        cwd=STATIC,
        input=json.dumps(FORMULAS),
        capture_output=True,
        text=True,
        check=True,
    )
    tokens = [new_document_parser().parse(text) for text in FORMULAS]
    found = [
        [each.content for token in text for each in (token, *(token.children or [])) if each.type.startswith("formula")]
        for text in tokens
    ]
    assert json.loads(run.stdout) == found
    assert sum(map(len, found)) > 12


def test_the_preview_shows_what_public_pages_show() -> None:
    texts = [text for text in examples() if "![" not in text] + MORE
    run = subprocess.run(
        ["node", "--input-type=module", "-e", SCRIPT],
        cwd=STATIC,
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    previews = json.loads(run.stdout)
    different = [
        (text, shape(preview), shape(page))
        for text, preview in zip(texts, previews, strict=True)
        if shape(preview) != shape(page := render(text, "", {}).body)
    ]
    assert not different, f"{len(different)} of {len(texts)}, such as {different[:3]}"
