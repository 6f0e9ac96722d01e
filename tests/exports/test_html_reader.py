"""HTML as Markdown: what a page shows, and nothing of what it would do."""

import re

import pytest

from collab_server.crdt import markdown
from collab_server.documents import markup
from collab_server.exports import html_reader


def read(page: str) -> str:
    return markdown.render(html_reader.read(page).document)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<h1>A <b>b</b></h1><p>c\n  d", "# A **b**\n\nc d"),
        ("<p>a<br>b</p>", "a\\\nb"),
        ("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n  - b\n- c"),
        ("<ul><li>a</li><ul><li>b</li></ul></ul>", "- a\n  - b"),
        ("<ol start=3><li>a<li>b</ol>", "3. a\n4. b"),
        ('<ul><li><input type="checkbox" checked> a</li><li><input type=checkbox>b</ul>', "- [x] a\n- [ ] b"),
        ("<ul><li>\u2611 a</li><li><p>\u2610 b</p></li></ul>", "- [x] a\n- [ ] b"),
        ('<pre><code class="language-py">a &lt; b\n\n  c\n</code></pre>', "```py\na < b\n\n  c\n```"),
        ("<blockquote><p>a<blockquote>b", "> a\n>\n> > b"),
        (
            "<table><caption>T</caption><tr><th>a<th>b|<tr><td>1<br>2<td><b>3</b></table>",
            "T\n\n| a | b\\| |\n| --- | --- |\n| 1<br>2 | **3** |",
        ),
        ('<p><a href="https://a.org" title="t">x</a> <img src="https://a.org/i" alt="y">', '[x](https://a.org "t") ![y](https://a.org/i)'),
        ("<div>a<div>b</div>c</div>", "a\n\nb\n\nc"),
        ("a <b> b </b> c", "a **b** c"),
        ("<p>*not* _em_ # 1. `x`", "\\*not\\* \\_em\\_ # 1. \\`x\\`"),
        ("<a href='https://a.org'><h2>x</h2></a>", "## x"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_page_reads_as_markdown(page: str, text: str) -> None:
    assert read(page) == text


@pytest.mark.parametrize(
    "page",
    [
        "<script>alert('evil')</script>",
        "<style>evil</style><title>evil</title>",
        "<p><a href='javascript:evil()'>ok</a>",
        "<img src='data:text/html,evil'>",
        "<iframe src='https://evil'></iframe><object data=evil></object>",
        "<svg><script>evil</script></svg>",
        "<p onclick=evil()>ok",
        "<!-- evil -->",
        "<template><p>evil</template>",
    ],
)
def test_what_would_do_something_is_left_out(page: str) -> None:
    assert "evil" not in read(page)


def test_what_is_nested_too_deeply_keeps_its_text() -> None:
    assert "deep" in read("<div>" * 200 + "deep" + "</div>" * 200)
    assert "deep" in read("<ul><li>" * 200 + "deep")
    assert "deep" in read("<b><i>" * 200 + "deep")


def shown(text: str) -> str:
    return markup.render(text, "html")


def same(page: str) -> str:
    """A page without what says nothing: white space beside other white space and tags, and paragraphs as such."""
    return re.sub(r"\s*(<[^>]*>)\s*", r"\1", re.sub(r"\s+", " ", re.sub(r"</?p>", " ", page))).strip()


def test_commonmarks_examples_come_back_as_they_went_out(markdown_examples: list[str]) -> None:
    """The page of the Markdown that is read from a page is that page again."""
    different = []
    for page in map(shown, markdown_examples):
        again = shown(read(page))
        assert words(again) == words(page)
        if same(again) != same(page):
            different.append((page, again))
    print(*different, sep="\n")
    # Emphasis in emphasis, links without text or address, emphasis that begins outside a link, a line break in it.
    assert len(different) <= 40


def words(page: str) -> list[str]:
    # Where a link begins within emphasis, Markdown has no sign for it, and HTML is shown as it stands.
    page = re.sub(r"&lt;/?(?:em|strong)&gt;|</?(?:em|strong|code|s|a|img)\b[^>]*>", "", page)
    return re.sub(r"<[^>]*>|&nbsp;", " ", page).split()
