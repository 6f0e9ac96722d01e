"""Conversion of a document's Markdown to the article of its public page. Pure; for a worker process.

What `content/markup.py` makes of Markdown, and with it anchors of headings, a table of contents, colours of code,
formulas, diagrams, and pictures with their sizes. All of the HTML passes the sanitiser.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from typing import Any, Final
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from collab_server.core.markdown import front_matter
from collab_server.core.markdown.excerpts import excerpt
from collab_server.core.markdown.inline_reader import add_html_tags
from collab_server.core.markdown.parser import new_document_parser
from collab_server.features.content import block_rules, formulas
from collab_server.features.content.markup import LINK_RELATION, TooLong, add_task_rule, is_safe_address, limit_time
from collab_server.features.public_pages import diagrams
from collab_server.features.public_pages.article import Article, Picture
from collab_server.features.public_pages.code_blocks import write_code
from collab_server.features.public_pages.diagrams import Diagrams
from collab_server.features.public_pages.headings import Headings

MAX_SECONDS: Final = 6.0
MAX_BYTES: Final = 8_000_000

_ATTACHMENT: Final = re.compile(r"/api/v1/attachments/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/content(?:\?.*)?")
_ALIGNED: Final = re.compile(r"text-align:\s*(left|center|right)")
_SIZES: Final = "(max-width: 46rem) 100vw, 44rem"

_TAGS: Final = frozenset(
    {"a", "blockquote", "br", "code", "details", "div", "em", "figcaption", "figure", "hr", "img", "li", "ol", "p"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "picture", "pre", "s", "source", "span", "strong", "summary"}
    | {"mark", "sub", "sup", "u"}
    | {"table", "tbody", "td", "th", "thead", "tr", "ul"}
)
_ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    **block_rules.ATTRIBUTES,
    "a": frozenset({"aria-label", "class", "href", "id", "title"}),
    "figure": frozenset({"class"}),
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), frozenset({"id"})),
    "img": frozenset({"alt", "decoding", "height", "loading", "sizes", "src", "srcset", "title", "width"}),
    "li": frozenset({"class"}),
    "ol": frozenset({"start"}),
    "pre": frozenset({"aria-label", "class", "role", "tabindex"}),
    "source": frozenset({"media", "srcset"}),
    "span": frozenset({"aria-label", "class", "role"}),
    "td": frozenset({"class"}),
    "th": frozenset({"class"}),
}
"""HTML in Markdown is text, so only the rules below write attributes: no document chooses a class or an id."""


def render(markdown: str, title: str, pictures: Mapping[str, Picture], own: str = "") -> Article:
    """Convert a document. `pictures`: by the id of the attachment. `own`: the address of this server: its
    files are not those of another one. Raises TooLong.
    """
    with limit_time(MAX_SECONDS):
        text = _as_code(markdown) or front_matter.split_front_matter(markdown)[1]
        found = _Found(pictures, own)
        parser = _make_parser()
        tokens = parser.parse(text)
        heading = _take_title(tokens, title)
        found.headings.read(tokens)
        options, env = parser.options, {"found": found}
        body = _sanitise(parser.renderer.render(tokens, options, env))
        shown = None if heading is None else _sanitise(parser.renderer.render([heading], options, env))
    article = Article(body, found.headings.contents, shown, excerpt(_prose(tokens)), found.image, found.diagrams.files)
    if len(body.encode()) > MAX_BYTES:
        raise TooLong(f"the result has more than {MAX_BYTES} bytes")
    return article


def _as_code(content: str) -> str | None:
    """The content of a document without a text, a JSON object, as a block of code; None for a text."""
    if not content.startswith("{"):
        return None
    try:
        shown = json.dumps(json.loads(content), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return None
    fence = "`" * 3
    while fence in shown:
        fence += "`"
    return f"{fence}json\n{shown}\n{fence}"


def _take_title(tokens: list[Token], title: str) -> Token | None:
    """Take a first heading with the document's title off; returns its inline token."""
    if len(tokens) < 3 or tokens[0].type != "heading_open" or tokens[0].tag != "h1":
        return None
    heading = tokens[1]
    if " ".join(Headings.text_of(heading).split()) != " ".join(title.split()):
        return None
    del tokens[:3]
    return heading


def _prose(tokens: Sequence[Token]) -> str:
    """The first paragraphs, for the description."""
    paragraphs = [
        inline.content for opened, inline in pairwise(tokens) if opened.type == "paragraph_open" and opened.level == 0
    ]
    return "\n\n".join(paragraphs[:4])[:2000]


@dataclass(slots=True)
class _Found:
    pictures: Mapping[str, Picture]
    own: str
    headings: Headings = field(default_factory=Headings)
    diagrams: Diagrams = field(default_factory=Diagrams)
    image: str | None = None


def _make_parser() -> MarkdownIt:
    parser = new_document_parser()
    block_rules.add_block_rules(parser)
    add_task_rule(parser, _write_box)
    add_html_tags(parser)
    # nh3 checks links later, and better.
    parser.validateLink = lambda _: True  # type: ignore[assignment,method-assign]
    for name, rule in _RULES.items():
        parser.add_render_rule(name, rule)
    return parser


def _write_box(*, checked: bool) -> str:
    state, name = ("done", "Done") if checked else ("open", "Not done")
    return f'<span class="task {state}" role="img" aria-label="{name}"></span> '


def _sanitise(page: str) -> str:
    return nh3.clean(
        page,
        tags=set(_TAGS | block_rules.TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=_kept,
        url_schemes={"http", "https", "mailto", "tel", "data"},
        link_rel=LINK_RELATION,
    )


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """Return an attribute's value, None without one."""
    return value if attribute not in ("href", "src") or is_safe_address(tag, attribute, value) else None


# ---- rules of the renderer; `env["found"]` is a _Found


def _code(_: RendererHTML, tokens: Sequence[Token], index: int, __: OptionsDict, env: Any) -> str:
    token = tokens[index]
    language = (token.info.split() or [""])[0]
    if language.lower() == diagrams.LANGUAGE:
        drawn: str = env["found"].diagrams.write_diagram(token.content)
        return drawn
    if language.lower() == "math":
        return formulas.write_formula(token.content.strip(), display=True)
    return write_code(token.content, language)


def _heading_close(_: RendererHTML, tokens: Sequence[Token], index: int, __: OptionsDict, ___: Any) -> str:
    token = tokens[index]
    anchor = token.meta.get("anchor")
    link = f' <a class="anchor" href="#{escape(anchor)}" aria-label="Link to this section"></a>' if anchor else ""
    return f"{link}</{token.tag}>\n"


def _table_open(_: RendererHTML, __: Sequence[Token], ___: int, ____: OptionsDict, _____: Any) -> str:
    return '<div class="table" role="group" aria-label="Table" tabindex="0"><table>\n'


def _table_close(_: RendererHTML, __: Sequence[Token], ___: int, ____: OptionsDict, _____: Any) -> str:
    return "</table></div>\n"


def _cell_open(_: RendererHTML, tokens: Sequence[Token], index: int, __: OptionsDict, ___: Any) -> str:
    token = tokens[index]
    found = _ALIGNED.match(str(token.attrs.get("style", "")))
    return f'<{token.tag} class="{found[1]}">' if found else f"<{token.tag}>"


def _image(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any) -> str:
    found: _Found = env["found"]
    token = tokens[index]
    source = str(token.attrs.get("src", "")).strip()
    alt = renderer.renderInlineAsText(token.children or [], options, env)
    if found.own and source.startswith(f"{found.own}/"):
        source = source.removeprefix(found.own)
    try:
        host, scheme = urlsplit(source).netloc, urlsplit(source).scheme
    except ValueError:
        host, scheme = "", "?"
    if not host and (not source or scheme not in ("", "data") or not is_safe_address("img", "src", source)):
        return escape(alt)
    if host:
        # A picture from elsewhere would tell that host who reads the page; the pages' policy does not load it either.
        name = escape(alt or "Picture")
        linked = sum({"link_open": 1, "link_close": -1}.get(each.type, 0) for each in tokens[:index])
        if linked:
            return f'<span class="outside">{name}</span>'
        return f'<a class="outside" href="{escape(source)}">{name} <span class="host">({escape(host)})</span></a>'
    title = f' title="{escape(str(token.attrs["title"]))}"' if token.attrs.get("title") else ""
    more = ""
    attachment = _ATTACHMENT.fullmatch(source)
    if attachment:
        source = source.partition("?")[0]
        more = _picture_attributes(attachment[1], found.pictures.get(attachment[1], Picture()))
    if found.image is None and source.startswith("/"):
        found.image = source
    return f'<img src="{escape(source)}" alt="{escape(alt)}"{title}{more} loading="lazy" decoding="async">'


def _picture_attributes(attachment: str, picture: Picture) -> str:
    size = f' width="{picture.width}" height="{picture.height}"' if picture.width and picture.height else ""
    if not picture.widths or not picture.width:
        return size
    path = f"/api/v1/attachments/{attachment}"
    files = [f"{path}/thumbnail?width={width} {width}w" for width in picture.widths if width < picture.width]
    files.append(f"{path}/content {picture.width}w")
    return f'{size} srcset="{", ".join(files)}" sizes="{_SIZES}"'


_RULES: Final = {
    "fence": _code,
    "code_block": _code,
    "heading_close": _heading_close,
    "table_open": _table_open,
    "table_close": _table_close,
    "th_open": _cell_open,
    "td_open": _cell_open,
    "image": _image,
}
