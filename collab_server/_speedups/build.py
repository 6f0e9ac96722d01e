"""Compiles compiled.c beside itself: `python -m collab_server._speedups.build`.

Needs a C compiler and Python's headers, and nothing where they are absent: the server then runs in Python.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).with_name("compiled.c")
COMPILED: Final = Path(__file__).with_name("compiled.abi3.so")


class NotCompiled(Exception):
    """Why nothing was compiled, in one line or with the compiler's words."""


def find_compiler() -> str | None:
    """The path of the C compiler; None where there is none."""
    return shutil.which("cc")


def find_headers() -> list[Path]:
    """The folders of this Python's headers; empty where they are not installed."""
    folders = {Path(sysconfig.get_path(name)) for name in ("include", "platinclude")}
    return sorted(folders) if any((folder / "Python.h").is_file() for folder in folders) else []


def build(target: Path = COMPILED, options: Sequence[str] = ("-O2",)) -> Path:
    """Compile into `target`, which is replaced at once or not at all. Raises NotCompiled."""
    compiler, headers = find_compiler(), find_headers()
    if compiler is None:
        raise NotCompiled("there is no C compiler (cc)")
    if not headers:
        raise NotCompiled("the headers of Python are not installed (Debian: python3-dev)")
    # macOS finds the functions of Python when it loads the file; elsewhere that is the rule.
    kind = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    command = [compiler, "-std=c11", "-fPIC", "-Wall", "-Wextra", *options, *kind]
    command += [*(f"-I{folder}" for folder in headers), str(SOURCE), "-o", str(beside)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise NotCompiled(f"the C compiler failed:\n{done.stderr.strip()}")
        beside.replace(target)
    except OSError as error:
        raise NotCompiled(str(error)) from error
    finally:
        beside.unlink(missing_ok=True)
    return target


def main() -> None:
    try:
        build()
    except NotCompiled as reason:
        print(f"Nothing was compiled, the server runs in Python: {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()
