"""CommonMark's own examples, from the package that carries them."""

import re
import shutil
import subprocess

from tests.require import ROOT, needs

FOLDER = ROOT / "tests" / "features" / "exports" / "spec"
_EXAMPLE = re.compile(r"^`{32} example\n(.*?)^\.\n.*?^`{32}$", re.MULTILINE | re.DOTALL)


def specification() -> str:
    """The specification itself: a long document in Markdown."""
    lock = FOLDER / "package-lock.json"
    installed = FOLDER / "node_modules" / ".installed-lock.json"
    if not installed.is_file() or installed.read_bytes() != lock.read_bytes():
        needs("node")
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=FOLDER, check=True)
        shutil.copyfile(lock, installed)
    return (FOLDER / "node_modules" / "commonmark-spec" / "spec.txt").read_text()


def examples() -> list[str]:
    """The Markdown of every example, tabs as tabs."""
    return [found[1].replace("\u2192", "\t") for found in _EXAMPLE.finditer(specification())]
