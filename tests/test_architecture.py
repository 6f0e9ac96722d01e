"""The rules of ARCHITECTURE.md that a reader should be able to rely on."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from collab_server import errors
from tests.require import ROOT

PACKAGE = ROOT / "collab_server"
PAGES = ROOT / "static" / "src"
MAX_LINES = 500

MAX_MODULES = 18

ONLY_IN = {
    "asyncpg": ("adapters/postgres", "adapters/login.py", "adapters/migrations.py"),
    "pycrdt": ("core/",),
    "fastapi": ("web/", "api.py", "app.py", "realtime/endpoints/"),
    "redis": ("adapters/redis/",),
    "obstore": ("adapters/object_store/",),
    "docx": ("features/exports/docx_file.py", "features/exports/discussion/word.py"),
    "mammoth": ("features/imports/docx_reader.py",),
    "PIL": ("features/attachments/files/images.py",),
    "puremagic": ("features/attachments/files/file_types.py",),
    "typst": ("features/exports/pdf_file.py",),
}
NOT_IN_CORE = {"asyncio", "time", "random", "secrets", "socket", "datetime", "os", "threading"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text())


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "collab_server":
                yield from (f"collab_server.{alias.name}" for alias in node.names)
            else:
                yield node.module


def test_the_clock_of_a_device_is_read_in_one_place() -> None:
    """The time on a device may decide only between two edits of one field."""
    wrong = [
        f"{name} imports {imported}"
        for name, tree in modules()
        if name.startswith("client/") and name != "client/clock.py"
        for imported in imports(tree)
        if imported in ("time", "datetime")
    ]
    assert not wrong


def test_a_library_is_met_in_its_own_place_only() -> None:
    wrong = []
    for name, tree in modules():
        for imported in imports(tree):
            places = ONLY_IN.get(imported.split(".")[0])
            if places is not None and not any(name.startswith(p) or name.endswith(p) for p in places):
                wrong.append(f"{name} imports {imported}")
    assert not wrong


def test_core_has_no_clock_no_randomness_and_no_input_or_output() -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, tree in modules()
        if name.startswith("core/")
        for imported in imports(tree)
        if imported.split(".")[0] in NOT_IN_CORE
    ]
    assert not wrong


def test_bodies_and_answers_have_the_base_that_makes_validators_late() -> None:
    wrong = [
        f"{name}: {node.name}"
        for name, tree in modules()
        if not name.startswith("settings/") and name != "web/fields.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "BaseModel" for base in node.bases)
    ]
    assert not wrong


def test_the_environment_is_read_by_settings_only() -> None:
    reader = re.compile(r"os\.environ|os\.getenv")
    wrong = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "settings" and reader.search(path.read_text())
    ]
    assert not wrong


def test_no_file_is_too_long_to_read() -> None:
    paths = [*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    long = [p.relative_to(ROOT).as_posix() for p in paths if len(p.read_text().splitlines()) > MAX_LINES]
    assert not long


def test_no_package_has_too_many_modules() -> None:
    sizes = Counter(path.parent.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*.py"))
    assert not {package: size for package, size in sizes.items() if size > MAX_MODULES}


def test_a_module_of_more_than_300_lines_says_why() -> None:
    long = [path for path in PACKAGE.rglob("*.py") if len(path.read_text().splitlines()) > 300]
    assert not [path.name for path in long if "Over 300 lines: " not in path.read_text()]


def test_no_module_of_the_pages_has_more_than_300_lines() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in PAGES.rglob("*.[jt]s")}
    assert lengths
    assert not {path.relative_to(ROOT).as_posix(): lines for path, lines in lengths.items() if lines > 300}


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "helpers", "common", "base", "manager", "handler"}
    assert not [name for name, _ in modules() if Path(name).stem in empty]


def test_every_error_is_in_the_tree_at_the_head_of_errors() -> None:
    assert errors.__doc__ is not None
    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(value, errors.CollabError):
            line = re.search(rf"\b{value.__name__}\s+(\d+)\s+(\d+)", errors.__doc__)
            assert line or value is errors.CollabError, value.__name__
            if line:
                assert (int(line[1]), int(line[2])) == (value.status, value.close_code), value.__name__


def test_error_codes_are_distinct() -> None:
    kinds = [v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, errors.CollabError)]
    codes = [kind.code for kind in kinds]
    assert len(codes) == len(set(codes))


def test_tests_mock_nothing_of_ours() -> None:
    needle = "unittest" + ".mock"
    wrong = [p.name for p in (ROOT / "tests").rglob("*.py") if needle in p.read_text()]
    assert not wrong
