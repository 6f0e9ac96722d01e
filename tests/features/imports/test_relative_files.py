"""Links of Markdown to files beside it are found as programs write them, and replaced where they stand."""

import time

import pytest

from collab_server.features.imports.foreign.relative_files import find_references, replace_references

NEW = "/api/v1/attachments/x/content"


@pytest.mark.parametrize(
    ("text", "address", "replaced"),
    [
        ("![a](pic.png)", "pic.png", f"![a]({NEW})"),
        ('[a](My%20Page/a%20(1).png "title")', "My Page/a (1).png", f'[a]({NEW} "title")'),
        ("![a](<my pics/ü.png>)", "my pics/ü.png", f"![a](<{NEW}>)"),
        ("![a](b(1).png)!", "b(1).png", f"![a]({NEW})!"),
        (r"![a](a\_b.png)", "a_b.png", f"![a]({NEW})"),
        ("![a][1]\n\n[1]: ../pic.png 'x'", "../pic.png", f"![a][1]\n\n[1]: {NEW} 'x'"),
        ("![[Pic 1.png]]", "Pic 1.png", f"![Pic 1.png]({NEW})"),
        ("![[img/Pic.png|300x20]] x", "img/Pic.png", f"![Pic.png]({NEW}) x"),
        ("![[Pic.png|A [b] c]]", "Pic.png", None),
        ("![[plan.pdf#page=2]]", "plan.pdf", f"[plan.pdf]({NEW})"),
        ("[[plan.pdf|the plan]]", "plan.pdf", f"[the plan]({NEW})"),
        ("a <IMG width=3 src='p%20q.png' alt=\"words\"/> b", "p q.png", f"a ![words]({NEW}) b"),
        ("[![a](pic.png)](https://a.org)", "pic.png", f"[![a]({NEW})](https://a.org)"),
    ],
)
def test_a_link_is_found_and_replaced(text: str, address: str, replaced: str | None) -> None:
    found = [each for each in find_references(text) if each.address == address]
    assert len(found) == (replaced is not None)
    if replaced is not None:
        assert replace_references(text, {found[0][:2]: NEW}) == replaced


@pytest.mark.parametrize(
    "text",
    [
        "`![](a.png)` ``[[b.png]]``",
        "```\n![](a.png)\n```\n~~~ md\n<img src='b.png'>\n~~~",
        "[a](https://a.org/b.png) <mailto:a@b.c> [b](#part) ![](//a.org/c.png) ![](data:image/png;base64,AA)",
        "![](javascript:alert) [c](C:/x.png)",
    ],
)
def test_code_and_other_addresses_are_no_files(text: str) -> None:
    assert [each for each in find_references(text) if not each.address.startswith("C:")] == []


@pytest.mark.parametrize("piece", ["](", "![[", "](<", "<img src='", "](((", "[x]:\t", "`", "](a\\", "```\n"])
def test_hostile_text_takes_time_in_proportion(piece: str) -> None:
    text = piece * (400_000 // len(piece))
    begin = time.process_time()
    assert replace_references(text, {("a", False): NEW}) == text
    assert time.process_time() - begin < 3
