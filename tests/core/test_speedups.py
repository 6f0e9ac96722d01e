"""The compiled readers find in every frame what the Python ones find, and read nothing beyond it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from collab_server import _speedups
from collab_server._speedups import build
from collab_server.core.yjs.lib0 import write_var_string, write_var_uint
from tests.core import speedups_fuzz
from tests.core.strategies import item
from tests.raw_socket import BINARY, encode_frame
from tests.require import ROOT, needs
from tests.seeds import choose_seed

FRAMES = int(os.environ.get("COLLAB_SPEEDUP_FRAMES", "4000"))
SANITIZED_PART = 5
"""Under AddressSanitizer Python is slow: one frame in so many."""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A module made of the source as it is now."""
    needs("compiler")
    return build.build(tmp_path_factory.mktemp("compiled") / "compiled.abi3.so", ("-O2", "-Werror", "-Wconversion"))


def test_random_frames_are_read_alike(compiled: Path) -> None:
    seen = speedups_fuzz.compare(speedups_fuzz.load(str(compiled)), FRAMES, choose_seed())
    assert seen["frames"] == FRAMES
    assert min(seen["plain updates"], seen["read"]) > FRAMES / 10, f"too few: {seen}"


def test_updates_are_written_as_python_writes_them(compiled: Path) -> None:
    cut = speedups_fuzz.compare_writing(speedups_fuzz.load(str(compiled)), max(200, FRAMES // 100), choose_seed())
    assert cut, "the kernel took everything"


def test_nothing_is_read_or_written_out_of_bounds(tmp_path: Path) -> None:
    needs("compiler")
    options = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
    module = build.build(tmp_path / "compiled.abi3.so", options)
    compiler = build.find_compiler()
    assert compiler is not None
    library = subprocess.run(
        [compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    done = subprocess.run(
        [sys.executable, "-m", "tests.core.speedups_fuzz", module, str(FRAMES // SANITIZED_PART), str(choose_seed())],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "LD_PRELOAD": library,
            # Python keeps what it has at its end. Its own allocator would hide what lies behind a value.
            "ASAN_OPTIONS": "detect_leaks=0",
            "PYTHONMALLOC": "malloc",
        },
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-8000:]}"
    assert "frames" in done.stdout


def test_the_references_that_are_taken_are_given_back(compiled: Path) -> None:
    module = speedups_fuzz.load(str(compiled))
    update = b"\1\1\7\0" + item(4, write_var_string("漢字 😀"), key="ä") + b"\1\7\1\0\1"
    message = write_var_string("Straße") + b"\0\2" + write_var_uint(len(update)) + update
    chunk = encode_frame(message, BINARY)
    assert module.read_update_frame(chunk, True) == speedups_fuzz.read(chunk, addressed=True) is not None
    broken = [chunk[:place] + bytes((chunk[place] ^ 0xFF,)) + chunk[place + 1 :] for place in range(len(chunk))]

    def work() -> None:
        for number in range(1_000):
            module.read_update_frame(chunk, True)
            module.read_update_frame(broken[number % len(broken)], True)
            module.inspect_plain(update)
            module.inspect_plain(update[: number % len(update)])
            for wrong in ((), (chunk,), ("text", True), (chunk, True, 1)):
                with pytest.raises(TypeError):
                    module.read_update_frame(*wrong)

    work()
    before = sys.getallocatedblocks()
    work()
    assert sys.getallocatedblocks() - before < 500


@pytest.mark.parametrize(
    ("name", "update"),
    [
        ("a text of a declared length beyond the end", b"\1\1\1\0" + item(4, write_var_uint(2**53 - 1) + b"a") + b"\0"),
        ("more clients than bytes", b"\xff\xff\xff\x7f\0\0"),
        ("more structs than bytes", b"\1\xff\xff\xff\x7f\1\0" + b"\0" * 5),
        ("more deleted ranges than bytes", b"\0\1\1\xff\xff\xff\x7f\0\1"),
        ("a length that passes the last clock", b"\1\1\1\0\0" + write_var_uint(2**53 - 1) + b"\0"),
        ("half a character", b"\1\1\1\0" + item(4, b"\2a\xc3") + b"\0"),
        ("a surrogate", b"\1\1\1\0" + item(4, b"\3\xed\xa0\x80") + b"\0"),
        ("a number of nine bytes", b"\1\1" + b"\x80" * 8 + b"\1\0\0\1\0"),
        ("nothing", b""),
    ],
)
def test_a_mutilated_update_is_not_plain(compiled: Path, name: str, update: bytes) -> None:
    assert speedups_fuzz.plain(update) is None, name
    assert speedups_fuzz.load(str(compiled)).inspect_plain(update) is None, name


def test_text_has_the_length_that_it_has_in_utf_16(compiled: Path) -> None:
    update = b"\1\1\7\0" + item(4, write_var_string("aä漢😀")) + b"\0"
    assert speedups_fuzz.load(str(compiled)).inspect_plain(update) == (((7, 0, 5),), ())


def test_the_python_form_is_used_where_it_is_chosen_or_nothing_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _speedups.form
    try:
        _speedups.choose(compiled=False)
        assert (_speedups.form, _speedups.inspect_plain(b"\0\0")) == ("python", None)
        needs("compiler")
        _speedups.choose(compiled=True)
        assert (_speedups.form, _speedups.inspect_plain(b"\0\0")) == ("compiled", ((), ()))
        monkeypatch.setattr(_speedups._compiled, "INTERFACE", 0)
        _speedups.choose(compiled=True)
        assert (_speedups.form, _speedups.inspect_plain(b"\0\0")) == ("python", None)
    finally:
        monkeypatch.undo()
        _speedups.choose(compiled=before == "compiled")


def test_a_build_without_compiler_or_headers_says_so_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "compiled.abi3.so"
    target.write_bytes(b"of earlier")
    monkeypatch.setattr(build, "find_compiler", lambda: None)
    with pytest.raises(build.NotCompiled, match="no C compiler"):
        build.build(target)
    build.main()
    assert "the server runs in Python" in capsys.readouterr().err
    monkeypatch.setattr(build, "find_compiler", lambda: "false")
    monkeypatch.setattr(build, "find_headers", lambda: [tmp_path])
    with pytest.raises(build.NotCompiled, match="the C compiler failed"):
        build.build(target)
    monkeypatch.setattr(build, "find_headers", list)
    with pytest.raises(build.NotCompiled, match="headers of Python"):
        build.build(target)
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    assert target.read_bytes() == b"of earlier"
