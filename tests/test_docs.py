"""Documentation that agrees with the code: settings, codes, links, and names of files."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from collab_server import errors
from collab_server.settings import PREFIX, Settings
from docs import tables
from tests.require import ROOT

ROOT_PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "benchmarks/README.md")
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *(ROOT / page for page in ROOT_PAGES)])
FILE = re.compile(r"[\w.*/-]+\.(?:py|js|mjs|sql|md|toml|yml|yaml|conf|json|txt|lock|svg|html)|(?:[\w.-]+/)+")
NOT_WRITTEN = re.compile(r"NNNN|\bNAME\b|\bTABLE\b|^comments/|^DATA_DIR|^(?:up|down)\.sql$")
"""Names in the guide for new features, and files that an installation has."""
NOT_OURS = {".git", ".venv", "node_modules", "build", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
GENERATED = ("build/", ".venv/", ".cache/", ".obsidian/", ".trash/")
OF_ADDRESSES = re.compile(r"^(?:documents|workspaces|users|auth|admin|search|sync)/|^text/|^/api/")
"""Paths of the REST API."""


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _without_code(text: str) -> str:
    return re.sub(r"^( *)```.*?^\1```", "", text, flags=re.DOTALL | re.MULTILINE)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _without_code(page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def _links(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", _without_code(page.read_text())):
        if not re.match(r"[a-z]+:", target):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in _links(page):
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (anchor and anchor not in _anchors(found)):
            broken.append(target)
    assert not broken


@pytest.fixture(scope="module")
def tracked() -> set[str]:
    """Every file of the repository, and every folder that has one."""
    found = set()
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        found |= {(Path(folder) / name).relative_to(ROOT).as_posix() for name in files}
    return {*found, *(f"{parent.as_posix()}/" for file in found for parent in Path(file).parents)}


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=_name)
def test_files_that_are_named_exist(page: Path, tracked: set[str]) -> None:
    """A path is relative to the root, to the package, or to the page. A name alone is the name of some file."""
    names = {Path(file).name for file in tracked}
    here = page.parent.relative_to(ROOT).as_posix()
    missing = []
    for named in re.findall(r"`([^`\n]+)`", _without_code(page.read_text())):
        if not FILE.fullmatch(named) or NOT_WRITTEN.search(named) or named.startswith(GENERATED):
            continue
        if OF_ADDRESSES.search(named) or ("/" not in named and not named.endswith((".py", ".js"))):
            continue
        places = (named, f"collab_server/{named}", f"migrations/{named}", f"{here}/{named}")
        alone = "/" not in named and named in names
        if not alone and "*" not in named and not tracked.intersection(places):
            missing.append(named)
    assert not missing


def test_every_setting_is_in_the_reference_as_in_the_code() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
    assert tables.table_of((tables.REFERENCE / "settings.md").read_text()) == tables.settings_table(), (
        "run `python -m docs.tables`"
    )


def test_every_error_is_in_the_reference_as_in_the_code() -> None:
    assert tables.table_of((tables.REFERENCE / "errors.md").read_text()) == tables.error_table(), (
        "run `python -m docs.tables`"
    )


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_settings_that_are_named_exist(page: Path) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    of_tests = re.compile(
        r"COLLAB_(?:TEST|ANCHOR|CRASH|CROWD|DISCUSSION|FAULT|CLIENT|FEED_SECONDS|FLOOD|GENERATED|HISTORY_CRASH|HOSTILE"
        r"|CONVERGENCE|LIVE_ANCHOR|OUTAGE|PATCH|RANDOM|RESTORE|SCHEMA|SPEEDUP_|TIPTAP|UPLOAD|DB_PASSWORD)"
    )
    named = set(re.findall(r"COLLAB_[A-Z_]*[A-Z]\b", page.read_text()))
    wrong = {one for one in named - known if not of_tests.match(one) and not any(k.startswith(one) for k in known)}
    assert not wrong


def test_every_close_code_has_a_cause_and_a_cure() -> None:
    """Codes of errors, and codes that the code gives to the end of a socket."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.CollabError)]
    used = {str(kind.close_code) for kind in kinds}
    for path in (ROOT / "collab_server").rglob("*.py"):
        used |= set(re.findall(r"\.(?:end|_fail)\((\d{4}),", path.read_text()))
    for page in ("docs/reference/errors.md", "docs/guides/troubleshoot.md"):
        rows = re.findall(r"^\| ([\d, ]+) \|", (ROOT / page).read_text(), re.MULTILINE)
        assert {code for row in rows for code in re.findall(r"\d{4}", row)} == used, page
