"""The kinds of nodes in all editors, by which Markdown writes them."""

from typing import Final

from collab_server.core.markdown.runs import is_break, is_image
from collab_server.core.prosemirror.nodes import TEXT, Node, canonical

_ALIASES: Final = {
    "quote": "blockquote",
    "code": "codeblock",
    "hr": "horizontalrule",
    "divider": "horizontalrule",
    "bulletedlist": "bulletlist",
    "unorderedlist": "bulletlist",
    "numberedlist": "orderedlist",
    "tasklistitem": "taskitem",
    "tablecolumnheader": "tableheader",
    "tableheadercell": "tableheader",
}
ITEMS: Final = {
    "listitem": "bulletlist",
    "taskitem": "tasklist",
    # BlockNote has no lists: items stand beside one another.
    "bulletlistitem": "bulletlist",
    "togglelistitem": "bulletlist",
    "numberedlistitem": "orderedlist",
    "checklistitem": "tasklist",
}
"""Kind of the list made of stray items of each kind."""

LISTS: Final = frozenset({"bulletlist", "orderedlist", "tasklist", "list"})
CONTAINERS: Final = frozenset({"blockcontainer", "blockgroup", "columnlist", "column", "doc"})
_INLINE: Final = frozenset(
    {TEXT, "mention", "emoji", "embed", "hashtag", "link", "autolink", "inlinemath", "mathinline", "footnotereference"}
)


def kind_of(node: Node) -> str:
    """The kind of a node in all editors: bulletlist for bulletList, bullet_list and unordered-list."""
    kind = canonical(node.type)
    if (kind == "callout" and any(map(is_inline, node.content))) or (kind == "details" and not is_toggle(node)):
        # Of an editor with another structure: like nodes that Markdown does not know.
        return f"other{kind}"
    if kind == "footnotedefinition" and not all(map(is_inline, node.content)):
        return f"other{kind}"
    return _ALIASES.get(kind, kind)


def is_inline(node: Node) -> bool:
    return kind_of(node) in _INLINE or is_break(node) or is_image(node)


def is_ordered(node: Node) -> bool:
    kind = kind_of(node)
    return kind == "orderedlist" or (kind == "list" and node.attributes.get("listType") == "number")


def is_toggle(node: Node) -> bool:
    """Whether it has a summary and blocks, as the toggles of Tiptap."""
    return [kind_of(child) for child in node.content] == ["detailssummary", "detailscontent"]
