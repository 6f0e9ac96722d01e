"""Reads Markdown as ProseMirror nodes: CommonMark with the tables, strikethrough and task lists of GFM.

The inverse of `writer`. HTML is text, except the tags of `writer` for marks and line breaks. The nodes fit editors'
schemas: a list item begins with a paragraph, a quote or a cell contains at least one block, and block images are never
in a paragraph.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore

from collab_server.core.markdown import front_matter
from collab_server.core.markdown.editor_schema import EditorSchema
from collab_server.core.markdown.inline_reader import add_tag_rule
from collab_server.core.markdown.inline_writer import MARK_DELIMITERS
from collab_server.core.markdown.node_kinds import kind_of
from collab_server.core.markdown.parser import new_parser
from collab_server.core.markdown.parsing_cost import check_parsing_cost
from collab_server.core.markdown.rules.callouts import add_callout_rule
from collab_server.core.markdown.rules.footnotes import add_footnote_rules
from collab_server.core.markdown.rules.formulas import add_formula_rules, write_latex
from collab_server.core.markdown.rules.toggles import add_toggle_rules
from collab_server.core.markdown.runs import REFUSED_ADDRESS, Run, read_runs
from collab_server.core.markdown.syntax_tree import (
    Block,
    Callout,
    Code,
    Footnote,
    Formula,
    Heading,
    Item,
    List,
    Paragraph,
    Quote,
    Rule,
    Table,
    Toggle,
    build_blocks,
)
from collab_server.core.markdown.writer import write_cell
from collab_server.core.prosemirror.nodes import MAX_DEPTH, TEXT, Node
from collab_server.errors import UnprocessableContent

MAX_BRACKETS: Final = 20
"""Nesting limit of links and images; deeper ones are text."""
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]+")


def read_markdown(text: str, schema: EditorSchema) -> list[Node]:
    """The blocks of a document. Raises TooMuchWork, and UnprocessableContent for blocks nested too deeply."""
    check_parsing_cost(text)
    header, text = front_matter.split_front_matter(text)
    tokens = _new_parser(schema).parse(text)
    if any(token.level >= MAX_DEPTH - 1 for token in tokens):
        raise UnprocessableContent(f"blocks may be nested {MAX_DEPTH} deep")
    blocks = _Converter(schema).nodes(build_blocks(tokens, schema.marks, empty_tasks=True))
    if header:
        code = [Node(TEXT, text=front_matter.front_matter_lines(header))]
        blocks.insert(0, schema.node("codeblock", code, **{schema.language: front_matter.LANGUAGE}))
    return blocks


def _new_parser(schema: EditorSchema) -> MarkdownIt:
    """A parser whose tokens the editor has nodes for."""
    parser = new_parser(max_nesting=MAX_DEPTH)
    if {"inlinemath", "blockmath"} <= schema.names.keys():
        add_formula_rules(parser)
    if "callout" in schema.names:
        add_callout_rule(parser)
    if {"details", "detailssummary", "detailscontent"} <= schema.names.keys():
        add_toggle_rules(parser)
    if {"footnotereference", "footnotedefinition"} <= schema.names.keys():
        add_footnote_rules(parser, any_reference=True)
    # Escaped characters remain separate tokens: `\[ ]` does not begin a task.
    parser.disable("text_join")
    add_tag_rule(parser)
    parser.core.ruler.before("inline", "nesting", _limit_brackets)
    # An encoded address would be another address.
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    parser.validateLink = lambda url: not REFUSED_ADDRESS.match(_CONTROL.sub("", url))  # type: ignore[method-assign]
    return parser


def _limit_brackets(state: StateCore) -> None:
    """Limit nested brackets more than nested blocks: each unclosed bracket costs a step per level."""
    state.md.options["maxNesting"] = MAX_BRACKETS


def _plain(run: Run) -> str:
    """The text of a run where nothing else can stand."""
    if run.kind == "break":
        return " "
    if run.kind == "footnote":
        return f"[^{run.text}]"
    return f"${run.text}$" if run.kind == "formula" else run.text


class _Converter:
    """Converts the blocks of Markdown to the nodes of an editor."""

    def __init__(self, schema: EditorSchema) -> None:
        self._schema = schema

    def nodes(self, blocks: Sequence[Block]) -> list[Node]:
        return [node for block in blocks for node in self._block(block)]

    def _block(self, block: Block) -> list[Node]:
        schema = self._schema
        match block:
            case Paragraph(runs):
                return self._paragraphs(runs)
            case Heading(level, runs):
                return self._heading(level, runs)
            case Quote(inner):
                return [schema.node("blockquote", self.nodes(inner) or [schema.node("paragraph")])]
            case List(start, items):
                return self._bullet_lists(items) if start is None else [self._ordered_list(start, items)]
            case Code(text, language):
                content = [Node(TEXT, text=text)] if text else []
                return [schema.node("codeblock", content, **({schema.language: language} if language else {}))]
            case Table():
                return [self._table(block)]
            case Rule():
                return [schema.node("horizontalrule")]
            case Callout(kind, inner):
                return [schema.node("callout", self.nodes(inner) or [schema.node("paragraph")], type=kind)]
            case Toggle(summary, inner):
                return [self._toggle(summary, inner)]
            case Footnote(label, runs):
                words = [run for run in self._tidy(runs) if run.image is None]
                return [schema.node("footnotedefinition", self._trimmed(words), label=label)]
            case Formula(latex):
                return [schema.node("blockmath", latex=write_latex(latex))]

    def _toggle(self, summary: Sequence[Run], blocks: Sequence[Block]) -> Node:
        """A toggle, whose summary contains nothing but text."""
        schema = self._schema
        texts = [Run("code" if run.kind == "code" else "text", _plain(run), run.marks) for run in summary]
        content = self.nodes(blocks) or [schema.node("paragraph")]
        return schema.node(
            "details",
            [schema.node("detailssummary", self._trimmed(texts)), schema.node("detailscontent", content)],
        )

    def _heading(self, level: int, runs: Sequence[Run]) -> list[Node]:
        schema = self._schema
        runs = self._tidy(runs)
        if schema.inline_images:
            return [schema.node("heading", list(map(schema.inline, runs)), level=level)]
        text = [run for run in runs if run.image is None]
        images = [schema.inline(run) for run in runs if run.image is not None]
        return [schema.node("heading", self._trimmed(text), level=level), *images]

    def _paragraphs(self, runs: Sequence[Run]) -> list[Node]:
        """A paragraph, split at images if images are blocks."""
        schema = self._schema
        runs = self._tidy(runs)
        if schema.inline_images or all(run.image is None for run in runs):
            return [schema.node("paragraph", list(map(schema.inline, runs)))] if runs else []
        blocks: list[Node] = []
        text: list[Run] = []
        for run in [*runs, None]:
            if run is not None and run.image is None:
                text.append(run)
                continue
            if content := self._trimmed(text):
                blocks.append(schema.node("paragraph", content))
            text = []
            if run is not None:
                blocks.append(schema.inline(run))
        return blocks

    def _tidy(self, runs: Iterable[Run]) -> list[Run]:
        """The runs with the marks of the editor, without white space that Markdown ignores."""
        return read_runs(map(self._schema.inline, runs), MARK_DELIMITERS)

    def _trimmed(self, runs: Iterable[Run]) -> list[Node]:
        return list(map(self._schema.inline, self._tidy(runs)))

    def _ordered_list(self, start: int, items: Sequence[Item]) -> Node:
        """A list whose checkboxes are text, because editors have no tasks with numbers."""
        for item in items:
            if item.box and isinstance(first := item.blocks[0], Paragraph):
                first.runs = [Run("text", item.box), *first.runs]
        nodes = [self._schema.node("listitem", self._item(item)) for item in items]
        return self._schema.node("orderedlist", nodes, **{self._schema.start: start})

    def _bullet_lists(self, items: Sequence[Item]) -> list[Node]:
        """A list, or several: a list with tasks and other items is split, because a list has items of one kind."""
        schema = self._schema
        lists: list[Node] = []
        task: bool | None = None
        for item in items:
            attributes = {} if item.checked is None else {"checked": item.checked}
            as_task = item.checked is not None and not schema.tasks_are_items
            if as_task is not task:
                task = as_task
                lists.append(schema.node("tasklist" if task else "bulletlist"))
            lists[-1].content.append(schema.node("taskitem" if task else "listitem", self._item(item), **attributes))
        return lists

    def _item(self, item: Item) -> list[Node]:
        content = self.nodes(item.blocks)
        if not content or kind_of(content[0]) != "paragraph":
            content.insert(0, self._schema.node("paragraph"))
        return content

    def _table(self, table: Table) -> Node:
        schema = self._schema
        rows: list[Node] = []
        for cells in table.rows:
            kind = "tablecell" if rows else "tableheader"
            contents = [self._paragraphs(runs) or [schema.node("paragraph")] for runs in cells]
            rows.append(schema.node("tablerow", [schema.node(kind, content) for content in contents]))
        if len(rows) > 1 and not any(map(write_cell, rows[0].content)):
            # The writer adds an empty header row to tables without one, because GFM requires it.
            del rows[0]
        return schema.node("table", rows)
