"""Markdown into documents of ProseMirror editors: what is not changed keeps its items."""

import random
from typing import Any

import pycrdt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collab_server.core.documents.apply_edit import MergeBase, Put, apply_edit, content_hash
from collab_server.core.documents.edit_requests import Append, Insert, Patch, Replacement
from collab_server.core.prosemirror.nodes import TEXT, Mark, Node
from collab_server.core.yjs import updates
from collab_server.errors import UnprocessableContent
from tests.core.fragments import PROGRAM, Fragment, element, p
from tests.core.test_markdown_writer import DOCUMENTS, grids
from tests.core.test_prosemirror import WRITTEN_BY_Y_PROSEMIRROR
from tests.features.exports.examples import examples
from tests.seeds import count_examples


def bold(text: str) -> Node:
    return Node(TEXT, text=text, marks=[Mark("bold")])


def items(*texts: str) -> Node:
    return element("bulletList", *(element("listItem", p(text)) for text in texts))


def replace(document: Fragment, find: str, by: str) -> None:
    document.edit(Patch([Replacement(find, by, every=False)], "code_point"))


def test_putting_the_same_markdown_changes_nothing() -> None:
    for text in examples():
        document = Fragment()
        document.update = made_of(text).update
        written = document.edit(Put(document.markdown))
        assert not written.changed, text


def made_of(text: str) -> Fragment:
    document = Fragment(p("x"))
    document.edit(Put(text))
    return document


@settings(max_examples=count_examples(300), deadline=None)
@given(DOCUMENTS, DOCUMENTS)
def test_put_replaces_any_document_content(one: Node, other: Node) -> None:
    document = Fragment(*one.content, p())
    wanted = Fragment(*other.content).markdown
    normal = document.normal(wanted)
    document.edit(Put(wanted))
    assert document.markdown == normal
    again = document.edit(Put(normal))
    assert not again.changed


@settings(max_examples=count_examples(200), deadline=None)
@given(DOCUMENTS, st.integers(0, 2**32))
def test_small_changes_of_the_text_arrive(one: Node, seed: int) -> None:
    dice = random.Random(seed)
    document = Fragment(*one.content, p())
    for _ in range(3):
        text = document.markdown
        at = dice.randint(0, len(text))
        sign = dice.choice(["x", "**b** ", "\n\n", "- ", "`", "*", "|", "\\\n", "# ", "> ", "[l](u)", "![i](j)"])
        wanted = text[:at] + sign + text[at + dice.randint(0, 3) :]
        normal = document.normal(wanted)
        document.edit(Put(wanted))
        # Put as it is, a text is never read.
        assert document.markdown == (normal if wanted != text else text), (text, wanted)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("marks", [[Mark("code")], [Mark("bold"), Mark("code")]])
def test_a_line_feed_in_code_becomes_a_space_where_the_code_ends(end: str, marks: list[Mark]) -> None:
    for find, by in (("`", ""), ("one", "1"), ("two`", "`two"), ("`one", "one`"), ("`", "**")):
        document = Fragment(p("111", Node(TEXT, text=f"one{end}two ", marks=marks), "end"))
        text = document.markdown
        wanted = text.replace(find, by)
        normal = document.normal(wanted)
        document.edit(Put(wanted))
        assert document.markdown == normal
        assert "hardBreak" not in str(document.node) and "\\\n" not in document.markdown


def test_unchanged_blocks_keep_their_items_and_attributes() -> None:
    document = Fragment(
        element("heading", "Plan", level=1, id="h"),
        p("first", textAlign="center"),
        p(),
        element("card", p("inside"), p("again"), tone="warning"),
        items("one", "two", "three"),
        element("youtube", src="https://y.example/1"),
        p("last"),
    )
    before = document.ids()
    replace(document, "two", "2\n- new")
    replace(document, "last", "*last* words")
    document.edit(Insert("under", ("Plan",), "start", "paragraph"))
    document.edit(Append("# End", "paragraph"))
    after = document.ids()
    for text in ("Plan", "first", "inside", "again", "one", "three"):
        assert after[text] == before[text]
    assert [(node.type, node.attributes) for node in document.node.content] == [
        ("heading", {"level": 1, "id": "h"}),
        ("paragraph", {}),
        ("paragraph", {"textAlign": "center"}),
        ("paragraph", {}),
        ("card", {"tone": "warning"}),
        ("bulletList", {}),
        ("youtube", {"src": "https://y.example/1"}),
        ("paragraph", {}),
        ("heading", {"level": 1}),
    ]


def test_a_changed_block_keeps_its_attributes_characters_and_marks() -> None:
    document = Fragment(p("one two ", bold("three"), " four", textAlign="right"))
    before = document.ids()["one two three four"]
    kept = {index: document.ids()[f"one two three four[{index}]"] for index in (0, 3, 8, 12, 17)}
    replace(document, "two", "2")
    after = document.ids()
    text = "one 2 three four"
    assert after[text] == before
    assert [after[f"{text}[{index}]"] for index in (0, 3, 6, 10, 15)] == list(kept.values())
    assert document.markdown == "one 2 **three** four"
    assert document.node.content[0].attributes == {"textAlign": "right"}


def test_a_mark_is_changed_without_a_character() -> None:
    document = Fragment(p("one two three"))
    before = document.ids()
    for find, by in (("two", "**two**"), ("one **two**", "**one *two***"), ("**one *two***", "[one](u) two")):
        replace(document, find, by)
        assert document.ids() == before
    assert document.markdown == "[one](u) two three"


def test_marks_that_markdown_does_not_say_stay_where_the_text_changes() -> None:
    comment = Mark("comment", {"id": 1})
    document = Fragment(p(Node(TEXT, text="see the plan", marks=[comment]), " now"))
    replace(document, "the", "**our** big")
    assert [(node.text, {mark.type for mark in node.marks}) for node in document.node.content[0].content] == [
        ("see ", {"comment"}),
        ("our", {"bold", "comment"}),
        (" big plan", {"comment"}),
        (" now", set()),
    ]


@pytest.mark.parametrize("by", ["this page", "there", "where", "x", "hear", "heres", "sphere"])
def test_a_replaced_word_keeps_its_marks(by: str) -> None:
    comment, colour = Mark("comment", {"id": 1}), Mark("textStyle", {"color": "#f00"})
    link = Mark("link", {"href": "https://e.org", "target": "_blank"})
    for marks in ([comment], [colour], [link], [comment, Mark("bold")], [link, comment]):
        document = Fragment(p("see ", Node(TEXT, text="here", marks=marks), " now"))
        replace(document, "here", by)
        one, other, last = document.node.content[0].content
        assert (one.text, one.marks, last.text, last.marks) == ("see ", [], " now", [])
        assert (other.text, sorted(other.marks, key=str)) == (by, sorted(marks, key=str))


def test_text_inserted_beside_a_mark_has_no_mark() -> None:
    comment = Mark("comment", {"id": 1})
    document = Fragment(p("see ", Node(TEXT, text="the page", marks=[comment]), " now"))
    replace(document, "page", "page, too")
    replace(document, "the", "all of the")
    replace(document, "the page", "the good page")
    assert [(node.text, node.marks) for node in document.node.content[0].content] == [
        ("see all of ", []),
        ("the good page", [comment]),
        (", too now", []),
    ]


def test_a_paragraph_below_a_heading_is_no_heading() -> None:
    document = Fragment(element("heading", "Plan", level=1), items("milk"))
    document.edit(Insert("new", ("Plan",), "start", "line"))
    document.edit(Append("- eggs", "line"))
    assert [node.type for node in document.node.content] == ["heading", "paragraph", "bulletList"]
    assert document.markdown == "# Plan\n\nnew\n\n- milk\n- eggs"


def test_text_typed_during_a_change_of_its_block_is_kept() -> None:
    document = Fragment(p("one two"), p("three"))
    state = document.update
    made = apply_edit([state], PROGRAM, Put("one 2\n\nthree\n\nfour"), None)
    other = apply_edit([state], PROGRAM + 1, Put("one two typed\n\nthree"), None)
    document.update = updates.merge([state, made.update, other.update])
    assert document.markdown == "one 2 typed\n\nthree\n\nfour"


def test_white_space_that_somebody_has_just_typed_stays() -> None:
    document = Fragment(p("hello "), p("  x"))
    replace(document, "hello", "hello there")
    replace(document, "x", "xy")
    assert [node.content[0].text for node in document.node.content] == ["hello there ", "  xy"]


def test_nodes_between_texts_stay() -> None:
    mention = element("mention", id="7", label="Ann")
    document = Fragment(p("ask ", mention, " about", element("hardBreak"), "the plan"))
    replace(document, "about", "**all** about")
    replace(document, "plan", "plans")
    assert document.markdown == "ask @Ann **all** about\\\nthe plans"
    assert [node.type for node in document.node.content[0].content if node.type != TEXT] == ["mention", "hardBreak"]
    replace(document, "@Ann", "@Bob")
    assert "mention" not in [node.type for node in document.node.content[0].content]


def test_a_break_in_a_text_moves_what_follows_it() -> None:
    document = Fragment(p("one two three"))
    before = document.ids()
    replace(document, "two", "two\\\n")
    assert [node.type for node in document.node.content[0].content] == [TEXT, "hardBreak", TEXT]
    assert document.ids()["one two"] == before["one two three"]
    replace(document, "\\\n", " ")
    assert document.markdown == "one two three"


def test_new_cells_come_after_a_cell_of_another_kind() -> None:
    document = Fragment(element("table", element("tableRow", element("tableHeader", p("a")))))
    document.edit(Put("|  |  |\n| --- | --- |\n| b | c |"))
    assert document.markdown == "|  |  |\n| --- | --- |\n| b | c |"


def test_lists_tables_and_quotes_are_changed_within() -> None:
    table = element(
        "table",
        element("tableRow", element("tableHeader", p("a")), element("tableHeader", p("b"))),
        element("tableRow", element("tableCell", p("c"), colwidth=[100]), element("tableCell", p("d"))),
    )
    tasks = element(
        "taskList", element("taskItem", p("do"), checked=False), element("taskItem", p("see"), checked=True)
    )
    document = Fragment(items("x", "y"), table, element("blockquote", p("q"), p("r")), tasks)
    before = document.ids()
    replace(document, "| c | d |", "| c | e |\n| f | g |")
    replace(document, "- y", "- y\n  1. z")
    replace(document, "> r", "> ```py\n> r\n> ```\n>\n> r")
    replace(document, "[ ] do", "[x] do")
    after = document.ids()
    for text in ("x", "y", "a", "b", "c", "q", "do", "see"):
        assert after[text] == before[text]
    assert document.node.content[1].content[1].content[0].attributes == {"colwidth": [100]}
    assert [item.attributes for item in document.node.content[3].content] == [{"checked": True}, {"checked": True}]
    assert document.markdown == (
        "- x\n- y\n  1. z\n\n| a | b |\n| --- | --- |\n| c | e |\n| f | g |\n\n> q\n>\n> ```py\n> r\n> ```\n>\n> r\n\n"
        "- [x] do\n- [x] see"
    )


def test_an_empty_column_comes_and_goes() -> None:
    for one, other in (
        ("|  |\n| --- |\n|  |", "|  |  |\n| --- | --- |\n|  |  |"),
        ("| a |\n| - |", "| a |  |\n| - | - |"),
    ):
        for old, new in ((one, other), (other, one)):
            document = made_of(old)
            document.edit(Put(new))
            assert document.markdown == made_of(new).markdown


def test_merged_cells_stay_merged() -> None:
    document = Fragment(
        element(
            "table",
            element("tableRow", element("tableHeader", p("a"), colspan=2), element("tableHeader", p("b"), rowspan=2)),
            element("tableRow", element("tableCell", p("c")), element("tableCell", p("d"))),
        )
    )
    assert document.markdown == "| a |  | b |\n| --- | --- | --- |\n| c | d |  |"
    replace(document, "| c | d |", "| c | x |")
    shape = [[dict(cell.attributes) for cell in row.content] for row in document.node.content[0].content]
    assert shape == [[{"colspan": 2}, {"rowspan": 2}], [{}, {}]]
    replace(document, "| a |  | b |", "| A |  | b |")
    assert document.markdown == "| A |  | b |\n| --- | --- | --- |\n| c | x |  |"


def merged_downwards() -> Fragment:
    return Fragment(
        element(
            "table",
            element("tableRow", *(element("tableHeader", p(name)) for name in ("place", "year", "value"))),
            element("tableRow", element("tableCell", p("Oslo"), rowspan=2), *cells("2024", "1")),
            element("tableRow", *cells("2025", "2")),
            element("tableRow", *cells("Rome", "2025", "3")),
        )
    )


def cells(*texts: str) -> list[Any]:
    return [element("tableCell", p(text)) for text in texts]


def test_values_beside_a_cell_merged_downwards_stay_under_their_headings() -> None:
    document = merged_downwards()
    rows = document.markdown.split("\n")
    assert rows[2:] == ["| Oslo | 2024 | 1 |", "|  | 2025 | 2 |", "| Rome | 2025 | 3 |"]
    replace(document, "|  | 2025 | 2 |", "|  | 2025 | 9 |")
    shape = [[dict(cell.attributes) for cell in row.content] for row in document.node.content[0].content]
    assert shape == [[{}, {}, {}], [{"rowspan": 2}, {}, {}], [{}, {}], [{}, {}, {}]]
    replace(document, "| Rome | 2025 | 3 |", "| Rome | 2025 | 3 |\n| Bonn | 2026 | 4 |")
    assert document.markdown.split("\n")[3:] == ["|  | 2025 | 9 |", "| Rome | 2025 | 3 |", "| Bonn | 2026 | 4 |"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("|  | 2025 | 2 |", "| Bonn | 2025 | 2 |"),
        ("|  | 2025 | 2 |\n", ""),
        ("| Oslo | 2024 | 1 |\n|  | 2025 | 2 |", "| Oslo | 2024 | 1 |\n| new | row | here |\n|  | 2025 | 2 |"),
    ],
)
def test_text_under_a_merged_cell_is_refused(old: str, new: str) -> None:
    document = merged_downwards()
    with pytest.raises(UnprocessableContent, match="covers"):
        replace(document, old, new)


def test_a_node_that_is_not_known_is_not_left_without_what_it_needs() -> None:
    document = Fragment(
        p("before"), element("panel", element("panelTitle", "more"), element("panelContent", p("hidden")))
    )
    replace(document, "\n\nhidden", "")
    assert [child.type for child in document.node.content[1].content] == ["panelTitle", "panelContent"]
    assert document.markdown == "before\n\nmore"
    document = Fragment(
        p("before"), element("panel", element("panelTitle", "more"), element("panelContent", p("hidden")))
    )
    document.edit(Put("before\n\nmore\n\nbetween\n\nhidden"))
    _, inner = document.node.content[1].content
    assert [child.type for child in inner.content] == ["paragraph", "paragraph"]
    document.edit(Put("before"))
    assert [node.type for node in document.node.content] == ["paragraph"]


def test_an_emptied_document_keeps_a_paragraph() -> None:
    document = Fragment(element("heading", "x", level=1))
    document.edit(Put(""))
    assert document.node.content == [p()]
    document.edit(Put("# y"))
    assert document.markdown == "# y"


def test_names_in_snake_case_are_kept() -> None:
    document = Fragment(
        element("bullet_list", element("list_item", p("a"))),
        p(Node(TEXT, text="b", marks=[Mark("em")])),
        root="prosemirror",
    )
    document.edit(Append("1. **c** ~~d~~\n\n```js\ne\n```\n\n| f |\n| - |", "paragraph"))
    _, _, numbers, code, table = document.node.content
    assert (numbers.type, numbers.attributes, numbers.content[0].type) == ("ordered_list", {"order": 1}, "list_item")
    assert numbers.content[0].content[0].content[0].marks == [Mark("strong")]
    assert numbers.content[0].content[0].content[1].text == " ~~d~~"
    assert (code.type, code.attributes) == ("code_block", {"params": "js"})
    assert table.content[0].content[0].type == "table_header"


def test_a_document_that_y_prosemirror_wrote_is_changed_where_it_is_to_be() -> None:
    document = Fragment()
    document.update = WRITTEN_BY_Y_PROSEMIRROR
    for find, by in (
        ("**bold *both***", "**bold**"),
        ("ok", "fine"),
        ("[site]", "[page]"),
        ("todo", "to do"),
        ("= 1", "= 2"),
    ):
        replace(document, find, by)
    assert document.markdown == (
        "## Plan\n\n**bold**\\\nsee [page](https://e.org/) and @Ann fine\n\n3. three\n   - deep\n\n"
        "- [x] done\n- [ ] to do\n\n"
        "```js\nlet x = 2\n\n```\n\n![A](a.png)"
    )
    marks = document.node.content[1].content[-1].marks
    assert marks == [Mark("comment", {"id": 1}), Mark("comment", {"id": 2})]


def test_a_text_that_was_read_before_others_typed_is_merged() -> None:
    document = Fragment(p("one"), p("two"))
    read = document.markdown
    replace(document, "two", "two typed")
    written = document.edit(Put("ONE\n\ntwo\n\nthree"), MergeBase(content_hash(read), read, only=False))
    assert (written.content, written.merged) == ("ONE\n\ntwo typed\n\nthree", True)


@pytest.mark.parametrize(
    "node",
    [element("blockGroup", element("blockContainer", p("x"), id="1")), element("list", p("x"), kind="bullet")],
)
def test_trees_that_are_none_of_blocks_in_blocks_are_refused(node: Node) -> None:
    with pytest.raises(UnprocessableContent):
        Fragment(p("a"), node).edit(Append("more", "paragraph"))


def test_text_beside_blocks_is_refused() -> None:
    doc: pycrdt.Doc[pycrdt.XmlFragment] = pycrdt.Doc()
    doc.get("default", type=pycrdt.XmlFragment).children.append(pycrdt.XmlText("loose"))
    with pytest.raises(UnprocessableContent):
        apply_edit([doc.get_update()], PROGRAM, Append("more", "paragraph"), None)


def test_front_matter_comes_changes_and_goes_without_touching_the_rest() -> None:
    document = Fragment(p("text"))
    document.edit(Put("---\ntitle: a\n---\n\ntext"))
    assert [node.type for node in document.node.content] == ["codeBlock", "paragraph"]
    replace(document, "title: a", "title: b")
    assert document.markdown == "---\ntitle: b\n---\n\ntext"
    document.edit(Append("more", "paragraph"))
    assert document.markdown == "---\ntitle: b\n---\n\ntext\n\nmore"
    document.edit(Put("text"))
    assert document.markdown == "text"


@settings(max_examples=count_examples(60), deadline=None)
@given(grids(), st.data())
def test_an_edit_of_one_cell_changes_only_that_cell_in_tables_with_merged_cells(
    given: tuple[Node, list[list[str]]], data: st.DataObject
) -> None:
    table, shown = given
    rows = [
        element(
            "tableRow",
            *(element(cell.type, p(cell.content[0].content[0].text), **cell.attributes) for cell in row.content),
        )
        for row in table.content
    ]
    document = Fragment(element("table", *rows))
    before, update = document.markdown, document.update
    document.edit(Put(before))
    assert document.update == update
    name = data.draw(st.sampled_from([text for row in shown for text in row if text]))
    document.edit(Put(before.replace(f"| {name} |", "| changed |")))
    assert document.markdown == before.replace(f"| {name} |", "| changed |")
    spans = [[cell.attributes for cell in row.content] for row in document.node.content[0].content]
    assert spans == [[cell.attributes for cell in row.content] for row in table.content]
