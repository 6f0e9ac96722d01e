"""Detects the names of an editor's nodes and marks from a document.

An editor deletes nodes outside its schema, with their text. Names of existing nodes are therefore reused. Others have
the names of Tiptap, or those of prosemirror-schema-basic in documents with snake_case names.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from collab_server.core.markdown.node_kinds import CONTAINERS, is_inline, kind_of
from collab_server.core.markdown.runs import MARKS, LinkTarget, MarkKey, Run, is_break, is_image
from collab_server.core.prosemirror.nodes import TEXT, Mark, Node, canonical
from collab_server.core.text.text_steps import has_strings
from collab_server.core.yjs.structs import XML_ELEMENT
from collab_server.errors import UnprocessableContent

_TIPTAP: Final = {
    "paragraph": "paragraph",
    "heading": "heading",
    "blockquote": "blockquote",
    "codeblock": "codeBlock",
    "horizontalrule": "horizontalRule",
    "bulletlist": "bulletList",
    "orderedlist": "orderedList",
    "listitem": "listItem",
    "tasklist": "taskList",
    "taskitem": "taskItem",
    "table": "table",
    "tablerow": "tableRow",
    "tablecell": "tableCell",
    "tableheader": "tableHeader",
    "image": "image",
    "hardbreak": "hardBreak",
}
_MORE: Final = {
    "callout": "callout",
    "inlinemath": "inlineMath",
    "blockmath": "blockMath",
    "details": "details",
    "detailssummary": "detailsSummary",
    "detailscontent": "detailsContent",
    "footnotereference": "footnoteReference",
    "footnotedefinition": "footnoteDefinition",
}
"""Nodes of Tiptap without which their Markdown is text, in editors with snake_case names."""
_SNAKE: Final = {
    **_TIPTAP,
    "codeblock": "code_block",
    "horizontalrule": "horizontal_rule",
    "bulletlist": "bullet_list",
    "orderedlist": "ordered_list",
    "listitem": "list_item",
    "tasklist": "task_list",
    "taskitem": "task_item",
    "tablerow": "table_row",
    "tablecell": "table_cell",
    "tableheader": "table_header",
    "hardbreak": "hard_break",
}
_TIPTAP_MARKS: Final = {
    "strong": "bold",
    "em": "italic",
    "s": "strike",
    "code": "code",
    "link": "link",
}
_SNAKE_MARKS: Final = {"strong": "strong", "em": "em", "code": "code", "link": "link"}

_PAGE_MARKS: Final = {"u": "underline", "mark": "highlight", "sub": "subscript", "sup": "superscript"}
"""Further marks of the page's editor."""

_REFUSED: Final = {*CONTAINERS} - {"doc", "columnlist", "column"}


@dataclass(frozen=True, slots=True)
class EditorSchema:
    """The naming and structure conventions of an editor.

    names: node types by writer.kind_of. marks: formats by meaning; others are not written. start, language: attributes
    of ordered lists and code blocks. tasks_are_items: a task is an item with `checked` in a bullet list. inline_images:
    images are in paragraphs. code_is_alone: code excludes other marks. text_in_elements: text is directly in elements,
    as in Yjs 14, without a Y.XmlText.
    """

    names: Mapping[str, str]
    marks: Mapping[str, str]
    start: str
    language: str
    tasks_are_items: bool
    inline_images: bool
    code_is_alone: bool
    text_in_elements: bool

    def node(self, kind: str, content: list[Node] | None = None, **attributes: Any) -> Node:
        return Node(self.names[kind], attributes, content or [])

    def formats(self, marks: frozenset[MarkKey]) -> dict[str, Any]:
        """The marks, including `code`, as formats of an XmlText."""
        if "code" in marks and self.code_is_alone and len(marks) > 1:
            # An address is worth more than a look.
            linked = any(isinstance(mark, tuple) for mark in marks)
            marks = marks - {"code"} if linked else frozenset({"code"})
        formats: dict[str, Any] = {}
        for mark in sorted(marks, key=str):
            if isinstance(mark, tuple):
                formats[self.marks["link"]] = _link(mark)
            elif mark in self.marks:
                formats[self.marks[mark]] = {}
        return formats

    def inline(self, run: Run) -> Node:
        """A run as a node."""
        if run.kind == "break":
            return self.node("hardbreak")
        if run.image is not None:
            attributes = {"src": run.image[1], "alt": run.text, "title": run.image[2]}
            return Node(self.names["image"], {key: value for key, value in attributes.items() if value or key == "src"})
        if run.kind == "formula":
            return self.node("inlinemath", latex=run.text)
        if run.kind == "footnote":
            return self.node("footnotereference", label=run.text)
        marks = run.marks | {"code"} if run.kind == "code" else run.marks
        return Node(TEXT, text=run.text, marks=[Mark(name, value) for name, value in self.formats(marks).items()])


def _link(target: LinkTarget) -> dict[str, Any]:
    return {"href": target[1], "title": target[2]} if target[2] else {"href": target[1]}


def detect_schema(document: Node) -> EditorSchema:
    """Detect the schema of a document. Raises UnprocessableContent for documents without nested blocks."""
    names: dict[str, str] = {}
    marks: dict[str, str] = {}
    start = language = ""
    tasks_are_items = False
    images: set[bool] = set()
    codes: set[bool] = set()
    direct = False
    for node, parent in _walk(document):
        if node.type == TEXT:
            direct = direct or (node is parent.content[0] and _has_strings(parent))
            names_by_meaning = {MARKS.get(canonical(mark.type)): mark.type for mark in node.marks}
            if "code" in names_by_meaning:
                codes.add(len(names_by_meaning) == 1)
            for meaning, name in names_by_meaning.items():
                if meaning is not None:
                    marks.setdefault(meaning, name)
            continue
        kind = "hardbreak" if is_break(node) else "image" if is_image(node) else kind_of(node)
        if kind in _REFUSED or kind == "list" or (node.branch is not None and node.branch.reference != XML_ELEMENT):
            raise UnprocessableContent(f"a document with nodes of type {node.type[:60]!r} takes Yjs updates only")
        names.setdefault(kind, node.type)
        if kind == "image":
            beside_text = any(is_inline(child) and not is_image(child) for child in parent.content)
            images.add(beside_text or kind_of(parent) in ("paragraph", "heading"))
        if kind == "orderedlist" and "order" in node.attributes:
            start = "order"
        if kind == "codeblock" and not language:
            language = next((key for key in ("language", "params", "lang") if key in node.attributes), "")
        if kind == "listitem" and isinstance(node.attributes.get("checked"), bool):
            tasks_are_items = True
    snake = any("_" in name for name in names.values())
    return EditorSchema(
        {**(_SNAKE if snake else _TIPTAP | _MORE), **names},
        {**(_SNAKE_MARKS if snake else _TIPTAP_MARKS), **marks},
        start or ("order" if snake else "start"),
        language or ("params" if snake else "language"),
        tasks_are_items,
        True in images or (snake and False not in images),
        not snake and False not in codes,
        direct,
    )


def page_schema(schema: EditorSchema) -> EditorSchema:
    """Return a schema with all marks of the page's editor, for a document that is edited by the page."""
    return replace(schema, marks={**_PAGE_MARKS, **schema.marks})


def _has_strings(node: Node) -> bool:
    return node.branch is not None and node.branch.reference == XML_ELEMENT and has_strings(node.branch)


def _walk(document: Node) -> Iterator[tuple[Node, Node]]:
    """All descendants in order: (node, its parent)."""
    stack = [(child, document) for child in reversed(document.content)]
    while stack:
        node, parent = stack.pop()
        yield node, parent
        stack += [(child, node) for child in reversed(node.content)]
