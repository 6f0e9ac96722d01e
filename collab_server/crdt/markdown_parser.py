"""Markdown as ProseMirror's nodes: CommonMark with the tables, strikethrough and task lists of GFM.

The reverse of `markdown`: what that wrote is read as what it was. HTML is text, but for the tags by which `markdown`
says a mark or a line break. Nodes fit the schemas of editors: a list's item begins with a paragraph, a quote or a cell
holds at least one block, and where images are blocks they stand in no paragraph.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from types import FunctionType
from typing import Any, Final

from markdown_it import MarkdownIt, rules_block
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from collab_server.crdt import front_matter, markdown, markdown_inline, markdown_runs, markdown_work
from collab_server.crdt.dialect import Dialect
from collab_server.crdt.markdown_runs import LinkTarget, MarkKey, Run
from collab_server.crdt.prosemirror import MAX_DEPTH, TEXT, Mark, Node
from collab_server.errors import UnprocessableContent

_TASK: Final = re.compile(r"\[([ xX])\](?:[ \t]+|\Z)")
_TAG: Final = re.compile(r"<(/?)(strong|b|em|i|s|del|u|mark|sub|sup)>", re.IGNORECASE)
_BREAK: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)
_MARK_OF_TAG: Final = {"b": "strong", "i": "em", "del": "s"}
MAX_BRACKETS: Final = 20
"""Levels of links and images in one another; what lies deeper is text."""
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]+")


def parse(text: str, dialect: Dialect) -> list[Node]:
    """The blocks of a document. Raises TooMuchWork, UnprocessableContent where they are nested too deeply."""
    markdown_work.check(text)
    header, text = front_matter.split(text)
    tokens = _parser().parse(text)
    if any(token.level >= MAX_DEPTH - 1 for token in tokens):
        raise UnprocessableContent(f"blocks may be nested {MAX_DEPTH} deep")
    blocks = _Builder(tokens, dialect).blocks("")
    if header:
        code = [Node(TEXT, text=front_matter.inner(header))]
        blocks.insert(0, dialect.node("codeblock", code, **{dialect.language: front_matter.LANGUAGE}))
    return blocks


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_DEPTH}).enable(["table", "strikethrough"])
    keep_spaces(parser)
    # What is escaped is text of its own: `\[ ]` begins no task.
    parser.disable("text_join")
    parser.inline.ruler.before("autolink", "tag", _tag)
    parser.core.ruler.before("inline", "nesting", _limit_brackets)
    # An address stays as it is written: an encoded one would be another one.
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    parser.validateLink = lambda url: not markdown_runs.REFUSED.match(_CONTROL.sub("", url))  # type: ignore[method-assign]
    return parser


def keep_spaces(parser: MarkdownIt) -> None:
    """Have it take from the ends of a text what CommonMark does: not spaces of other kinds, by which paragraphs are
    indented in Chinese and Japanese.
    """
    for name, rule, ends in (
        ("paragraph", rules_block.paragraph, []),
        ("lheading", rules_block.lheading, []),
        ("heading", rules_block.heading, ["paragraph", "reference", "blockquote"]),
        ("table", rules_block.table, ["paragraph", "reference"]),
    ):
        known: Any = rule
        trimming = FunctionType(known.__code__, {**known.__globals__, "mdTrim": _trim}, name, known.__defaults__)
        parser.block.ruler.at(name, trimming, {"alt": ends})


def _trim(text: str) -> str:
    return text.strip(" \t\n")


def _limit_brackets(state: StateCore) -> None:
    """Blocks nest deep, brackets need not: each that is not closed costs as many steps as they may nest."""
    state.md.options["maxNesting"] = MAX_BRACKETS


def _tag(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    if state.src[state.pos] != "<":
        return False
    found = _BREAK.match(state.src, state.pos)
    kind = "hardbreak"
    if found is None:
        found, kind = _TAG.match(state.src, state.pos), "tag"
    if found is None:
        return False
    if not silent:
        state.push(kind, "", 0).content = found[0]
    state.pos = found.end()
    return True


class _Builder:
    def __init__(self, tokens: Sequence[Token], dialect: Dialect) -> None:
        self._tokens = tokens
        self._at = 0
        self._dialect = dialect

    def blocks(self, end: str) -> list[Node]:
        """Those up to the token `end`, which is read too."""
        found: list[Node] = []
        while self._at < len(self._tokens):
            token = self._next()
            if token.type == end:
                break
            found += self._block(token)
        return found

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _block(self, token: Token) -> list[Node]:
        dialect = self._dialect
        match token.type:
            case "paragraph_open" | "heading_open":
                runs = self._runs()
                self._at += 1
                if token.type == "paragraph_open":
                    return self._paragraphs(runs)
                return self._heading(int(token.tag[1:]), runs)
            case "blockquote_open":
                return [dialect.node("blockquote", self.blocks("blockquote_close") or [dialect.node("paragraph")])]
            case "bullet_list_open":
                return self._list("bullet_list_close", None)
            case "ordered_list_open":
                return self._list("ordered_list_close", int(token.attrs.get("start", 1)))
            case "fence" | "code_block":
                return [self._code(token)]
            case "table_open":
                return [self._table()]
            case "hr":
                return [dialect.node("horizontalrule")]
        return []

    def _code(self, token: Token) -> Node:
        text = token.content.removesuffix("\n")
        language = (token.info.split() or [""])[0]
        content = [Node("text", text=text)] if text else []
        return self._dialect.node("codeblock", content, **({self._dialect.language: language} if language else {}))

    def _runs(self) -> list[Run]:
        nodes = list(_Inline(self._next().children or [], self._dialect).nodes())
        return markdown_runs.runs_of(nodes, markdown_inline.SIGNS)

    def _heading(self, level: int, runs: list[Run]) -> list[Node]:
        dialect = self._dialect
        if dialect.inline_images:
            return [dialect.node("heading", list(map(dialect.inline, runs)), level=level)]
        said = [run for run in runs if run.image is None]
        images = [dialect.inline(run) for run in runs if run.image is not None]
        return [dialect.node("heading", self._trimmed(said), level=level), *images]

    def _paragraphs(self, runs: list[Run]) -> list[Node]:
        """A paragraph, or what is left of it between the images that stand for themselves."""
        dialect = self._dialect
        if dialect.inline_images or all(run.image is None for run in runs):
            return [dialect.node("paragraph", list(map(dialect.inline, runs)))] if runs else []
        found: list[Node] = []
        said: list[Run] = []
        for run in [*runs, None]:
            if run is not None and run.image is None:
                said.append(run)
                continue
            if content := self._trimmed(said):
                found.append(dialect.node("paragraph", content))
            said = []
            if run is not None:
                found.append(dialect.inline(run))
        return found

    def _trimmed(self, runs: list[Run]) -> list[Node]:
        nodes = list(map(self._dialect.inline, runs))
        return list(map(self._dialect.inline, markdown_runs.runs_of(nodes, markdown_inline.SIGNS)))

    def _list(self, end: str, start: int | None) -> list[Node]:
        """A list; bullets of which some are tasks are several lists, for items of one list are of one kind."""
        dialect = self._dialect
        items: list[tuple[bool | None, list[Node]]] = []
        while self._next().type != end:
            checked = self._take_checkbox() if start is None else None
            content = self.blocks("list_item_close")
            if not content or markdown.kind_of(content[0]) != "paragraph":
                content.insert(0, dialect.node("paragraph"))
            items.append((checked, content))
        if start is not None:
            nodes = [dialect.node("listitem", content) for _, content in items]
            return [dialect.node("orderedlist", nodes, **{dialect.start: start})]
        lists: list[Node] = []
        task: bool | None = None
        for checked, content in items:
            said = {} if checked is None else {"checked": checked}
            as_task = checked is not None and not dialect.tasks_are_items
            if as_task is not task:
                task = as_task
                lists.append(dialect.node("tasklist" if task else "bulletlist"))
            lists[-1].content.append(dialect.node("taskitem" if task else "listitem", content, **said))
        return lists

    def _take_checkbox(self) -> bool | None:
        """Of the paragraph that comes next, without it."""
        first = self._tokens[self._at : self._at + 2]
        if len(first) < 2 or first[0].type != "paragraph_open" or not first[1].children:
            return None
        text = first[1].children[0]
        found = _TASK.match(text.content) if text.type == "text" else None
        if found is None or (found.end() == len(text.content) and text.content[-1] == "]" and first[1].children[1:]):
            return None
        text.content = text.content[found.end() :]
        return found[1] != " "

    def _table(self) -> Node:
        dialect = self._dialect
        rows: list[Node] = []
        while (token := self._next()).type != "table_close":
            if token.type == "tr_open":
                rows.append(dialect.node("tablerow"))
            elif token.type in ("th_open", "td_open"):
                blocks = self._paragraphs(self._runs()) or [dialect.node("paragraph")]
                kind = "tableheader" if token.type == "th_open" else "tablecell"
                rows[-1].content.append(dialect.node(kind, blocks))
        if len(rows) > 1 and not any(map(markdown.cell_text, rows[0].content)):
            # A header of nothing stands for none: GFM has no table without.
            del rows[0]
        return dialect.node("table", rows)


class _Inline:
    def __init__(self, tokens: Sequence[Token], dialect: Dialect) -> None:
        self._tokens = tokens
        self._dialect = dialect

    def nodes(self) -> Iterator[Node]:
        dialect = self._dialect
        paired = _pairs(self._tokens, dialect)
        marks: list[MarkKey] = []
        for index, token in enumerate(self._tokens):
            match token.type:
                case "text" | "text_special":
                    yield self._text(token.content, marks)
                case "code_inline":
                    yield self._text(token.content, [*marks, "code"])
                case "softbreak":
                    yield self._text(" ", marks)
                case "hardbreak":
                    yield dialect.node("hardbreak")
                case "image":
                    yield dialect.inline(Run("image", _alternative(token), frozenset(), _target(token, "src")))
                case "strong_open" | "em_open" | "s_open" if token.tag in dialect.marks:
                    marks.append(token.tag)
                case "strong_close" | "em_close" | "s_close" if token.tag in dialect.marks:
                    marks.remove(token.tag)
                case "link_open":
                    marks.append(_target(token, "href"))
                case "link_close":
                    marks.remove(next(mark for mark in marks if isinstance(mark, tuple)))
                case "tag" if index in paired:
                    name, opens = paired[index]
                    marks.append(name) if opens else marks.remove(name)
                case _:
                    yield self._text(token.content or token.markup, marks)

    def _text(self, text: str, marks: Iterable[MarkKey]) -> Node:
        formats = self._dialect.formats(frozenset(marks))
        return Node("text", text=text, marks=[Mark(name, value) for name, value in formats.items()])


def _pairs(tokens: Sequence[Token], dialect: Dialect) -> dict[int, tuple[str, bool]]:
    """(mark, whether it opens) by the index of each tag that has its other one."""
    found: dict[int, tuple[str, bool]] = {}
    opened: dict[str, list[int]] = {}
    for index, token in enumerate(tokens):
        if token.type != "tag" or (tag := _TAG.match(token.content)) is None:
            continue
        name = tag[2].lower()
        mark = _MARK_OF_TAG.get(name, name)
        if mark not in dialect.marks:
            continue
        if not tag[1]:
            opened.setdefault(name, []).append(index)
        elif opened.get(name):
            found[opened[name].pop()] = (mark, True)
            found[index] = (mark, False)
    return found


def _target(token: Token, attribute: str) -> LinkTarget:
    return ("link", str(token.attrs.get(attribute, "")), str(token.attrs.get("title", "") or ""))


def _alternative(image: Token) -> str:
    parts: list[str] = []
    for token in image.children or []:
        if token.type == "image":
            parts.append(_alternative(token))
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif token.type in ("text", "text_special", "code_inline"):
            parts.append(token.content)
    return "".join(parts)
