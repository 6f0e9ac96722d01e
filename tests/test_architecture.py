"""The rules of ARCHITECTURE.md that a reader should be able to rely on."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from collab_server import errors
from collab_server.settings import PREFIX, Settings
from tests.require import ROOT

PACKAGE = ROOT / "collab_server"
MAX_LINES = 500

LEVELS = [
    {"errors", "settings", "telemetry", "crypto", "sealing"},
    {"crdt"},
    {"client"},
    {"transport", "backends"},
    {"access"},
    {"web"},
    {"changes"},
    {"accounts"},
    {"workspaces"},
    {"documents"},
    {"search", "sync", "exports"},
    {"realtime"},
    {"maintenance"},
    {
        "app",
        "checks",
        "cli",
        "cli_database",
        "cli_files",
        "cli_people",
        "doctor",
        "neighbour_queries",
        "neighbours",
        "port",
        "process",
        "serve",
        "siblings",
        "supervisor",
        "__main__",
    },
]
LEVEL_OF = {part: level for level, parts in enumerate(LEVELS) for part in parts}

ONLY_IN = {
    "asyncpg": ("backends/db.py", "backends/login.py", "backends/migrate.py"),
    "alembic": ("backends/migrate.py",),
    "sqlalchemy": ("backends/migrate.py",),
    "pycrdt": ("crdt/",),
    "fastapi": ("web/", "api.py", "app.py"),
    "redis": ("backends/redis_bus.py", "backends/redis_rates.py", "backends/redis_shard.py"),
    "docx": ("exports/docx_file.py",),
    "mammoth": ("exports/docx_reader.py",),
    "typst": ("exports/pdf_file.py",),
}
NOT_IN_CRDT = {"asyncio", "time", "random", "secrets", "socket", "datetime", "os", "threading"}


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


def part_of(name: str) -> str:
    return name.split("/")[0].removesuffix(".py")


def test_imports_go_down_only() -> None:
    wrong = []
    for name, tree in modules():
        part = part_of(name)
        if part == "__init__":
            continue
        for imported in imports(tree):
            if not imported.startswith("collab_server."):
                continue
            target = imported.split(".")[1]
            if target in LEVEL_OF and target != part and LEVEL_OF[target] > LEVEL_OF[part]:
                wrong.append(f"{name} imports {imported}")
    assert not wrong


def test_the_client_shares_the_wire_formats_with_the_server_and_nothing_else() -> None:
    shared = ("collab_server.client", "collab_server.crdt", "collab_server.errors")
    wrong = [
        f"{name} imports {imported}"
        for name, tree in modules()
        if name.startswith("client/")
        for imported in imports(tree)
        # What the clock of a device says must change nothing but which of two edits of metadata is the later one.
        if (imported.startswith("collab_server") and not imported.startswith(shared))
        or (imported in ("time", "datetime") and name != "client/clock.py")
    ]
    assert not wrong


def test_every_part_of_the_package_has_a_level() -> None:
    parts = {part_of(name) for name, _ in modules()} - {"__init__"}
    assert parts <= LEVEL_OF.keys()


def test_a_library_is_met_in_its_own_place_only() -> None:
    wrong = []
    for name, tree in modules():
        for imported in imports(tree):
            places = ONLY_IN.get(imported.split(".")[0])
            if places is not None and not any(name.startswith(p) or name.endswith(p) for p in places):
                wrong.append(f"{name} imports {imported}")
    assert not wrong


def test_crdt_has_no_clock_no_chance_and_no_outside() -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, tree in modules()
        if name.startswith("crdt/")
        for imported in imports(tree)
        if imported.split(".")[0] in NOT_IN_CRDT
    ]
    assert not wrong


def test_the_environment_is_read_by_settings_only() -> None:
    reader = re.compile(r"os\.environ|os\.getenv")
    wrong = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if path.name != "settings.py" and reader.search(path.read_text())
    ]
    assert not wrong


def test_no_file_is_too_long_to_read() -> None:
    paths = [*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *(ROOT / "migrations").rglob("*.py")]
    long = [p.relative_to(ROOT).as_posix() for p in paths if len(p.read_text().splitlines()) > MAX_LINES]
    assert not long


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "helpers", "common", "base", "manager", "service", "handler"}
    assert not [name for name, _ in modules() if Path(name).stem in empty]


def test_every_setting_is_described_and_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert f"{PREFIX}{name.upper()}" in readme, name


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


def test_migrations_follow_each_other_in_one_line() -> None:
    """Two that were made side by side would keep every server from starting."""
    line = [path.stem for path in sorted((ROOT / "migrations" / "versions").glob("*.py"))]
    followed = []
    for name in line:
        source = (ROOT / "migrations" / "versions" / f"{name}.py").read_text()
        assert re.search(rf'^revision = "{name}"$', source, re.MULTILINE), name
        followed += re.findall(r"^down_revision = \"?([^\"\n]+)\"?$", source, re.MULTILINE)
    assert followed == ["None", *line[:-1]]
