"""The committed bundle is what its sources and pins make."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.require import ROOT

STATIC = ROOT / "static"

pytestmark = pytest.mark.usefixtures("node_packages")


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_committed_bundle_matches_a_rebuild(tmp_path: Path) -> None:
    rebuilt = tmp_path / "dist"
    subprocess.run(["node", "build.js", str(rebuilt)], cwd=STATIC, check=True, stdout=subprocess.DEVNULL)
    committed, fresh = files_in(STATIC / "dist"), files_in(rebuilt)
    assert sorted(committed) == sorted(fresh)
    changed = [name for name in sorted(fresh) if fresh[name] != committed[name]]
    assert not changed, f"stale: {changed}; run make bundle"


def test_the_bundle_holds_one_copy_of_yjs() -> None:
    bundles = [path.read_text() for path in (STATIC / "dist" / "assets").glob("*.js")]
    assert sum(bundle.count("Yjs was already imported") for bundle in bundles) == 1


def test_pages_and_styles_refer_to_nothing_elsewhere() -> None:
    pages = [*STATIC.glob("dist/pages/*.html"), STATIC / "dist" / "assets" / "page.css"]
    assert len(pages) > 2
    for page in pages:
        for reference in re.findall(r'(?:src|href)="([^"]*)"|url\(([^)]*)\)', page.read_text()):
            assert re.match(r"[/#]", "".join(reference).strip("\"'")), f"{page.name}: {reference}"


def test_the_modules_of_the_page_pass_their_own_tests() -> None:
    run = subprocess.run(["npm", "test", "--silent"], cwd=STATIC, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
