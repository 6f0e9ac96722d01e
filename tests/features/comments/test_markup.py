"""Comments as HTML: what they may contain, and that nothing in them runs."""

import re
from html.parser import HTMLParser
from uuid import UUID, uuid4

import pytest

from collab_server.features.comments import markup
from collab_server.features.comments.emoji import is_emoji
from collab_server.features.comments.markup import render
from collab_server.features.comments.mentions import Reader
from collab_server.features.content.markup import TooLong

ANN = UUID("0a6b2c8e-3d39-4c55-8a54-6a4e0f6d0c11")
EVIL_NAMES = ("<img src=x onerror=alert(1)>", '"><script>alert(1)</script>', "</span><svg onload=alert(1)>", "a]b(c)")
HOSTILE = (
    "<script>alert(1)</script>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<img src=x onerror=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#10;script:alert(1))",
    "[x](&#x6a;avascript:alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](user:javascript:alert(1))",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "![x](http://example.org/track.png)",
    '[x](http://a "onmouseover=alert(1) x=")',
    '[x](http://a" onmouseover="alert(1))',
    "[x]: javascript:alert(1)\n\n[x]",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "```\"onclick=alert(1)\nx\n```",
    "```js\"><script>alert(1)</script>\nx\n```",
    "`</code><script>alert(1)</script>`",
    f"@[<script>alert(1)</script>](user:{ANN})",
    f"@[x](user:{ANN}\" onclick=\"alert(1))",
    f'<span class="mention" data-user="{ANN}" onclick=alert(1)>@Ann</span>',
    "<span class=mention data-user=x>@Boss</span>",
    "@<script>alert(1)</script>",
    "\u2028<script>alert(1)</script>\u2029",
    "> <details open ontoggle=alert(1)>",
    "- <body onload=alert(1)>",
    "<a\x0bhref=javascript:alert(1)>x",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
)  # fmt: skip
ALLOWED = {
    "a": {"href", "title", "rel"}, "blockquote": set(), "br": set(), "code": {"class"}, "em": set(), "li": set(),
    "ol": {"start"}, "p": set(), "pre": set(), "s": set(), "span": {"class", "data-user"}, "strong": set(), "ul": set(),
}  # fmt: skip


class Checker(HTMLParser):
    """Fails for whatever is not allowed."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag
        given = dict(attrs)
        assert given.keys() <= ALLOWED[tag], attrs
        if "href" in given:
            scheme = re.match(r"\s*([a-z][a-z0-9+.-]*):", given["href"] or "", re.IGNORECASE)
            assert scheme is None or scheme[1] in ("http", "https", "mailto", "tel"), attrs
        if tag == "a":
            assert {"noopener", "nofollow"} <= set((given["rel"] or "").split())
        if tag == "span":
            assert given == {"class": "mention", "data-user": str(ANN)}

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)


@pytest.mark.parametrize("name", EVIL_NAMES)
def test_nothing_in_a_comment_runs(name: str) -> None:
    reader = Reader(ANN, name, "ann", None)
    for text in HOSTILE:
        for around in ("{}", "**{}**", "> {}", "- {}", "[{}](http://a)", f"@ann {{}} @[x](user:{ANN})"):
            page = render(around.replace("{}", text), [reader]).html
            checker = Checker()
            checker.feed(page)
            checker.close()
            assert render(around.replace("{}", text), [reader]).html == page


def test_a_mention_shows_the_name_of_the_person_and_not_what_is_written() -> None:
    shown = render(f"@[The Boss](user:{ANN})", [Reader(ANN, "A & <b>", None, None)])
    assert shown.html == f'<p><span class="mention" data-user="{ANN}">@A &amp; &lt;b&gt;</span></p>\n'
    unknown = render(f"@[The *Boss*](user:{uuid4()}) @[a \\] b](user:{uuid4()})", [])
    assert unknown.html == "<p>@The *Boss* @a ] b</p>\n" and unknown.unreachable == ("@The *Boss*", "@a ] b")


def test_comments_have_paragraphs_emphasis_code_lists_links_and_quotes_only() -> None:
    shown = render("# No\n\n*a* **b** ~~c~~ `d`\n\n3. x\n\n| a |\n|---|\n| b |\n\n---\n\n![i](http://a/b)", []).html
    assert "<em>a</em> <strong>b</strong> <s>c</s> <code>d</code>" in shown and '<ol start="3">' in shown
    assert not re.search("<(?:h1|table|hr|img)", shown) and "# No" in shown


def test_many_marks_take_no_longer_than_their_length_allows() -> None:
    for text in ("@" * 65_536, "@a@" * 21_000, "@a." * 21_000, "@-" * 32_000):
        render(text, [Reader(ANN, "Ann", "a", None)])


def test_a_text_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "MAX_SECONDS", 0.01)
    with pytest.raises(TooLong):
        render("@[" * 32_768, [])


EMOJI = (
    "👍", "❤️", "❤", "👨\u200d👩\u200d👧", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "🇩🇪",
    "1️⃣", "👍🏽", "\u2139\ufe0f", "→", "✅", "❤️\u200d🔥", "™",
)  # fmt: skip
OTHERS = (
    "", " ", "a", "é", "ab", "+1", "1", "<", "&", "👍👍", "👍 ", "\u200d", "\ufe0f", "👍\u200d", "\u202e", "👍" * 33,
    "e\u0301", "中",
)  # fmt: skip


@pytest.mark.parametrize("text", EMOJI)
def test_emoji_and_symbols_are_reactions(text: str) -> None:
    assert is_emoji(text)


@pytest.mark.parametrize("text", OTHERS)
def test_letters_and_marks_are_no_reactions(text: str) -> None:
    assert not is_emoji(text)
