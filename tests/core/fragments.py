"""Documents of editors to edit as Markdown, and what became of their items."""

from collab_server.core.documents.apply_edit import EditRequest, EditResult, MergeBase, apply_edit
from collab_server.core.markdown.editor_schema import detect_schema
from collab_server.core.markdown.reader import read_markdown
from collab_server.core.markdown.writer import write_markdown
from collab_server.core.prosemirror.nodes import DOCUMENT, TEXT, Node, read_nodes
from collab_server.core.prosemirror_edits.edit import insert_nodes
from collab_server.core.text.text_steps import characters
from collab_server.core.yjs import tree, updates
from collab_server.core.yjs.composer import Composer
from collab_server.core.yjs.structs import TYPE, XML_TEXT, Branch, Id

ROOT = "default"
AUTHOR, PROGRAM = 5, 77


def element(type_: str, *content: Node | str, **attributes: object) -> Node:
    return Node(type_, attributes, [Node(TEXT, text=one) if isinstance(one, str) else one for one in content])


def p(*content: Node | str, **attributes: object) -> Node:
    return element("paragraph", *content, **attributes)


class Fragment:
    """A document whose root `default` holds nodes, edited by a program."""

    def __init__(self, *nodes: Node, root: str = ROOT) -> None:
        self.root = root
        composer = Composer(AUTHOR, 0)
        insert_nodes(composer, root, Branch(None), nodes)
        self.update = composer.update()
        updates.validate(self.update)

    def edit(self, request: EditRequest, base: MergeBase | None = None) -> EditResult:
        made = apply_edit([self.update], PROGRAM, request, base)
        if made.update != updates.EMPTY_UPDATE:
            updates.validate(made.update)
            self.update = updates.merge([self.update, made.update])
        assert made.result.content == self.markdown
        return made.result

    @property
    def branch(self) -> Branch:
        return tree.read_tree(self.update).roots.get(self.root) or Branch(None)

    @property
    def node(self) -> Node:
        return read_nodes(self.branch)

    @property
    def markdown(self) -> str:
        return write_markdown(self.node)

    def normal(self, text: str) -> str:
        """What the document would say if it were made of this Markdown."""
        return write_markdown(Node(DOCUMENT, content=read_markdown(text, detect_schema(self.node))))

    def ids(self) -> dict[str, Id]:
        """Of the visible elements that hold text, by that text, and of each character of it, by text and index."""
        found: dict[str, Id] = {}
        stack = [self.branch]
        while stack:
            branch = stack.pop()
            item = branch.start
            while item is not None:
                if item.kind == TYPE and not item.deleted:
                    inner: Branch = item.content
                    if inner.reference == XML_TEXT:
                        signs = list(characters(inner))
                        text = "".join(sign.text for sign in signs)
                        found[text] = (item.client, item.clock)
                        for index, sign in enumerate(signs):
                            found[f"{text}[{index}]"] = (sign.item.client, sign.item.clock + sign.offset)
                    stack.append(inner)
                item = item.right
        return found
