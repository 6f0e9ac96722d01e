"""Long forms of tests: `make soak` runs each, and the documentation names each."""

import re

from tests.require import ROOT

FORM = re.compile(r'environ\.get\("COLLAB_(\w+)", "\d')
"""A number of rounds, seconds or frames that the environment may raise."""


def test_each_long_form_is_in_make_soak_and_documented() -> None:
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    found = {name: file for file, text in texts.items() for name in FORM.findall(text) if name != "TEST_SEED"}
    seeds = {"GENERATED_SEED"}
    makefile = (ROOT / "Makefile").read_text()
    described = (ROOT / "docs" / "internals" / "testing.md").read_text()
    assert len(found) > 10
    for name, file in found.items():
        assert f"`COLLAB_{name}`" in described, name
        assert name in seeds or f" {name}=" in makefile, name
        assert f" {file}" in makefile, file
