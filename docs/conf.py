"""Sphinx configuration of the documentation site. `make docs` builds it.

The source folder is the repository's root, so that pages and README, ARCHITECTURE and the others link to one another
the same way on a forge and on the site.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import SphinxError

ROOT = Path(__file__).resolve().parent.parent

project = "collab_server"
author = "collab_server contributors"
version = release = re.search(r'__version__ = "([^"]+)"', (ROOT / "collab_server/__init__.py").read_text())[1]  # type: ignore[index]

extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = [
    "docs/*.md",
    "docs/**/*.md",
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
]
include_patterns += ["benchmarks/README.md"]
exclude_patterns = [".*", "**/node_modules", "build", "dist", "collab_server", "migrations", "static", "tests"]
nitpicky = True
myst_heading_anchors = 3
myst_links_external_new_tab = False

html_theme = "furo"
html_title = f"collab_server {version}"
html_static_path: list[str] = []
html_extra_path = ["site_root"]
html_show_sphinx = False
html_copy_source = False


def _refuse_foreign_resources(app: Sphinx, error: Exception | None) -> None:
    """Raise SphinxError if a built page loads a script, style, font or image from another host."""
    if error is not None:
        return
    loads = re.compile(r"""<(?:script|img|iframe)[^>]*\ssrc=["'](?:https?:)?//|<link[^>]*\shref=["'](?:https?:)?//""")
    style = re.compile(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""")
    out = Path(app.outdir)
    foreign = [page for page in out.rglob("*.html") if loads.search(page.read_text())]
    foreign += [sheet for sheet in out.rglob("*.css") if style.search(sheet.read_text())]
    if foreign:
        raise SphinxError("pages load something from another host: " + ", ".join(str(f) for f in foreign))


def setup(app: Sphinx) -> None:
    app.connect("build-finished", _refuse_foreign_resources)
