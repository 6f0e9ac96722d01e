"""The tree of a Markdown text, before it becomes editors' nodes or a file."""

import pytest

from collab_server.core.markdown.parser import new_parser
from collab_server.core.markdown.runs import Run
from collab_server.core.markdown.syntax_tree import Block, Item, List, Paragraph, Table, build_blocks


def build(text: str, *, empty_tasks: bool = False) -> list[Block]:
    parser = new_parser()
    parser.disable("text_join")
    return build_blocks(parser.parse(text), {"strong"}, empty_tasks=empty_tasks)


def words(text: str) -> list[Block]:
    return [Paragraph([Run("text", text)])]


def test_a_table_keeps_the_alignment_of_its_columns_and_an_empty_header() -> None:
    cells: list[list[list[Run]]] = [[[], [], [], []], [[Run("text", "a")], [], [], []]]
    assert build("| | | | |\n|---|:--|:-:|--:|\n| a |") == [Table(["", "left", "center", "right"], cells)]


def test_a_list_of_tasks_and_other_items_is_one_list() -> None:
    assert build("- a\n- [ ] b\n- [x] c") == [
        List(None, [Item(words("a")), Item(words("b"), "[ ] "), Item(words("c"), "[x] ")])
    ]
    assert [item.checked for item in build("- a\n- [ ] b\n- [X] c")[0].items] == [None, False, True]  # type: ignore[union-attr]


def test_numbered_items_have_checkboxes() -> None:
    assert build("3. [x] a") == [List(3, [Item(words("a"), "[x] ")])]


@pytest.mark.parametrize("empty_tasks", [True, False])
def test_a_checkbox_without_text_is_a_task_only_on_request(empty_tasks: bool) -> None:
    item = Item([Paragraph([])], "[x]") if empty_tasks else Item(words("[x]"))
    assert build("- [x]", empty_tasks=empty_tasks) == [List(None, [item])]


def test_an_escaped_checkbox_and_a_link_are_text() -> None:
    assert build("- \\[ ] a", empty_tasks=True) == [List(None, [Item(words("[ ] a"))])]
    assert build("- [x]**b**", empty_tasks=True) == [
        List(None, [Item([Paragraph([Run("text", "[x]"), Run("text", "b", frozenset({"strong"}))])])])
    ]
