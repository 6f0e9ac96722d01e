"""HTML tags for marks: pairs are kept, and all others are text."""

import pytest

from collab_server.core.markdown.inline_reader import add_html_tags
from collab_server.core.markdown.parser import new_parser


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("<u>a</u>", "<u>a</u>"),
        ("<B>a</B> <i>b</i> <del>c</del>", "<strong>a</strong> <em>b</em> <s>c</s>"),
        ("<u>a <mark>b</u> c</mark>", "<u>a <mark>b</u> c</mark>"),
        ("<u>a</sub> </u>", "<u>a&lt;/sub&gt; </u>"),
        ("</u>a<u>", "&lt;/u&gt;a&lt;u&gt;"),
        ("`<u>a</u>`", "<code>&lt;u&gt;a&lt;/u&gt;</code>"),
        ("<u onclick=x>a</u>", "&lt;u onclick=x&gt;a&lt;/u&gt;"),
        ("a", "a"),
    ],
)
def test_a_tag_needs_its_counterpart(markdown: str, html: str) -> None:
    parser = new_parser()
    add_html_tags(parser)
    assert parser.render(markdown) == f"<p>{html}</p>\n"


def test_tags_within_tags_end_somewhere() -> None:
    parser = new_parser()
    add_html_tags(parser)
    page = parser.render("<u>" * 25 + "x" + "</u>" * 25)
    assert page == "<p>" + "<u>" * 20 + "&lt;u&gt;" * 5 + "x" + "&lt;/u&gt;" * 5 + "</u>" * 20 + "</p>\n"
