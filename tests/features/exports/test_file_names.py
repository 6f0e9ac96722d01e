"""Names of files: every system takes them, none is a path, no two are one."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab_server.features.exports.file_names import MAX_BYTES, Names, make_safe_name


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Plan", "Plan"),
        ("a/b\\c:d", "a b c d"),
        ("../../etc/passwd", "etc passwd"),
        (".hidden", "hidden"),
        ("trailing. . ", "trailing"),
        ("CON", "CON_"),
        ("aux.txt", "aux_.txt"),
        ("COM1.txt", "COM1_.txt"),
        ("Lpt9 .tar.gz", "Lpt9_.tar.gz"),
        ("nul.", "nul_"),
        ("com10.txt", "com10.txt"),
        ("com¹", "com¹_"),
        ("Console", "Console"),
        ("", "Untitled"),
        ("...", "Untitled"),
        ("\u202egnp.exe", "gnp.exe"),
        ("漢字", "漢字"),
    ],
)
def test_a_title_becomes_a_name(title: str, name: str) -> None:
    assert make_safe_name(title) == name


@given(st.text())
def test_every_title_becomes_a_name_that_every_system_takes(title: str) -> None:
    name = make_safe_name(title)
    assert name and len(name.encode()) <= MAX_BYTES + 1
    assert not re.search(r'[<>:"/\\|?*\x00-\x1f]', name)
    assert name[0] not in ". " and name[-1] not in ". "


@given(
    st.sampled_from(["con", "PRN", "aux", "Nul", "COM1", "com¹", "LPT9", "CONIN$"]),
    st.sampled_from(["", ".", ".txt", " .txt", "..", ". ", ".tar.gz"]),
)
def test_no_title_becomes_a_device_of_windows_whatever_its_ending(device: str, ending: str) -> None:
    before_the_dot = f"{make_safe_name(device + ending)}.md".partition(".")[0].rstrip()
    assert before_the_dot.casefold() != device.casefold()


@given(st.lists(st.sampled_from(["Plan", "plan", "PLAN (2)", "Plan (2)", "ﬁ", "fi", "e\u0301", "é", "ß", "SS"])))
def test_no_two_files_are_one_anywhere(stems: list[str]) -> None:
    names = Names()
    given = [names.unique(stem) for stem in stems]
    folded = [unicodedata.normalize("NFKC", name).casefold() for name in given]
    assert len(set(folded)) == len(stems)
