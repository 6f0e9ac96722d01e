"""Trees of Yjs 14, whose elements hold text directly, edited as Markdown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collab_server.core.documents.apply_edit import Put, apply_edit
from collab_server.core.documents.edit_requests import Append
from collab_server.core.prosemirror.nodes import TEXT, Mark, Node
from collab_server.core.text.text_steps import append_runs
from collab_server.core.yjs import updates
from collab_server.core.yjs.composer import Composer
from collab_server.core.yjs.structs import STRING, TYPE, XML_TEXT, Branch, Id, Item
from collab_server.errors import UnprocessableContent
from tests.core.fragments import AUTHOR, PROGRAM, ROOT, Fragment, element, p
from tests.core.test_prosemirror_edits import bold, items, replace
from tests.seeds import count_examples

TEXTS = st.text(st.sampled_from("ab 🙂*\\"), min_size=1, max_size=8)


def direct(*nodes: Node) -> Fragment:
    """A document of these nodes as Yjs 14 writes it."""
    composer = Composer(AUTHOR, 0)

    def build(parent: str | Id, left: Id | None, node: Node) -> Id:
        made = composer.element(parent, left, None, node.type, node.attributes)
        last: Id | None = None
        for child in node.content:
            if child.type == TEXT:
                last = append_runs(
                    composer, made, [(child.text, {mark.type: mark.attributes for mark in child.marks})], last
                )
            else:
                last = build(made, last, child)
        return made

    last: Id | None = None
    for node in nodes:
        last = build(ROOT, last, node)
    document = Fragment()
    document.update = composer.update()
    updates.validate(document.update)
    return document


def texts_apart(document: Fragment) -> int:
    """How many Y.XmlText the document has."""
    found, stack = 0, [document.branch]
    while stack:
        item = stack.pop().start
        while item is not None:
            if item.kind == TYPE and not item.deleted:
                found += item.content.reference == XML_TEXT
                stack.append(item.content)
            item = item.right
    return found


def first_of(branch: Branch) -> Branch:
    assert branch.start is not None
    return branch.start.content  # type: ignore[no-any-return]


def test_a_text_is_changed_where_it_stands() -> None:
    document = direct(p("plain text"), p("other"))
    before = first_of(document.branch).start
    document.edit(Put("simple text\n\nother"))
    assert document.node.content == [p("simple text"), p("other")]
    # what stays has its ids
    assert before is not None
    kept = [item for item in visible(first_of(document.branch)) if (item.client, item.kind) == (AUTHOR, STRING)]
    assert "".join(item.content for item in kept).endswith("text")
    document.edit(Put(""))
    assert document.node.content == [p()]
    document.edit(Put("again"))
    assert document.markdown == "again"
    assert texts_apart(document) <= 1


def visible(branch: Branch) -> list[Item]:
    found: list[Item] = []
    item = branch.start
    while item is not None:
        if not item.deleted:
            found.append(item)
        item = item.right
    return found


def test_marks_nodes_and_breaks_within_a_text_are_changed_and_kept() -> None:
    mention, other = element("mention", id="7", label="Ann"), element("mention", id="8", label="Bob")
    comment = Mark("comment", {"id": 1})
    document = direct(
        p(
            "ask ",
            mention,
            other,
            Node(TEXT, text=" about", marks=[comment]),
            element("hardBreak"),
            "the ",
            bold("plan"),
        )
    )
    assert document.markdown == "ask @Ann@Bob about\\\nthe **plan**"
    replace(document, "about", "**all** about")
    replace(document, "plan", "plans")
    replace(document, "ask", "tell")
    assert document.markdown == "tell @Ann@Bob **all** about\\\nthe **plans**"
    kinds = [node.type for node in document.node.content[0].content if node.type != TEXT]
    assert kinds == ["mention", "mention", "hardBreak"]
    assert document.node.content[0].content[-1] == bold("plans")
    replace(document, "@Ann", "@Eve")
    replace(document, "\\\n", " ")
    replace(document, "the", "the\\\n")
    assert document.markdown == "tell @Eve@Bob **all** about the\\\n**plans**"
    kinds = [node.type for node in document.node.content[0].content if node.type != TEXT]
    assert kinds == ["mention", "hardBreak"]
    assert comment in next(node for node in document.node.content[0].content if "about" in node.text).marks
    assert texts_apart(document) == 0


def test_a_text_that_is_added_to_a_block_of_nodes_alone_stands_directly_in_it() -> None:
    document = direct(p("text"), p(element("mention", id="7", label="Ann")), p())
    document.edit(Put("text\n\nask @Ann now"))
    assert texts_apart(document) == 0
    assert document.markdown == "text\n\nask @Ann now"
    assert [node.type for node in document.node.content[1].content] == [TEXT, "mention", TEXT]


def test_new_blocks_hold_their_text_directly_too() -> None:
    document = direct(element("heading", "Plan", level=1), items("one"))
    document.edit(Append("- two **b** c\n- three\n\n```js\nx\n```\n\n> q", "line"))
    assert texts_apart(document) == 0
    assert document.markdown == "# Plan\n\n- one\n- two **b** c\n- three\n\n```js\nx\n```\n\n> q"
    replace(document, "x\n", "y = 1\nz\n")
    replace(document, "Plan", "Plans")
    assert document.markdown == "# Plans\n\n- one\n- two **b** c\n- three\n\n```js\ny = 1\nz\n```\n\n> q"


@settings(max_examples=count_examples(200), deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=3), st.lists(st.lists(TEXTS, max_size=3), min_size=1, max_size=3))
def test_put_replaces_the_content_of_a_document(texts: list[str], bodies: list[list[str]]) -> None:
    document = direct(p("first"), *(p(text, element("hardBreak"), text) for text in texts))
    for body in bodies:
        wanted = "\n\n".join(body)
        normal = document.normal(wanted)
        document.edit(Put(wanted))
        assert document.markdown == normal


def test_concurrent_edits_of_others_stay() -> None:
    document = direct(p("one two"), p("three"))
    state = document.update
    made = apply_edit([state], PROGRAM, Put("one 2\n\nthree"), None)
    other = apply_edit([state], PROGRAM + 1, Put("one two typed\n\nthree"), None)
    document.update = updates.merge([state, made.update, other.update])
    assert document.markdown == "one 2 typed\n\nthree"


def test_a_block_with_text_of_both_kinds_is_refused_where_it_would_change() -> None:
    composer = Composer(AUTHOR, 0)
    made = composer.element(ROOT, None, None, "paragraph", {})
    left = composer.text(made, None, None, "one ")
    composer.text(composer.xml_text(made, left, None), None, None, "two")
    other = composer.element(ROOT, made, None, "paragraph", {})
    composer.text(other, None, None, "three")
    document = Fragment()
    document.update = composer.update()
    assert document.markdown == "one two\n\nthree"
    document.edit(Put("one two\n\n3"))
    assert document.markdown == "one two\n\n3"
    with pytest.raises(UnprocessableContent):
        document.edit(Put("one 2\n\n3"))
