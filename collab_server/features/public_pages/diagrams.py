"""Diagrams in the syntax of Mermaid as SVG, drawn without a browser. Pure; for a worker process.

The pages show them as pictures: nothing in a picture runs, and nothing in it loads anything.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from html import escape
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Final, Literal, get_args

from collab_server.features.public_pages.article import DIAGRAMS
from collab_server.features.public_pages.code_blocks import write_code

LANGUAGE: Final = "mermaid"
MAX_SOURCE: Final = 20_000
"""Characters of a diagram."""
MAX_DIAGRAMS: Final = 40
MAX_BYTES: Final = 2_000_000
"""Limit of all diagrams of a page, in all themes."""

Theme = Literal["light", "dark"]
_THEMES: Final = {"light": "neutral", "dark": "dark"}
_OWN_THEME: Final = re.compile(r"\A\s*(?:---\n|%%\{)")
_BOX: Final = re.compile(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"')
_KIND: Final = re.compile(r"^\s*(?!%%|---)([A-Za-z][\w-]*)", re.MULTILINE)
_TITLE: Final = re.compile(r"^\s*accTitle\s*:\s*(.+)$", re.MULTILINE)
_HEAD: Final = re.compile(r"\A\s*---\n.*?\n\s*---\n", re.DOTALL)


@cache
def _load_renderer() -> Callable[[str], str]:
    """Load the compiled renderer alone: the package `mmdr` imports a library for bitmaps, which only costs memory here.

    The renderer returns SVG, and raises ValueError for what it cannot read or would take too long for. Raises
    ValueError where it is not installed.
    """
    package = find_spec("mmdr")
    found = PathFinder.find_spec("_mmdr", None if package is None else package.submodule_search_locations)
    if found is None or found.loader is None:
        raise ValueError("this server is installed without the extra `diagrams`")
    module = module_from_spec(found)
    found.loader.exec_module(module)
    render: Callable[[str], str] = module.render
    return render


def _draw_svg(source: str) -> str:
    """Draw one diagram. Raises ValueError."""
    try:
        return _load_renderer()(source)
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        # A panic of Rust is no Exception. One diagram must not take the page along.
        raise ValueError("the renderer has failed") from None


@dataclass(slots=True)
class Diagrams:
    """The diagrams of one article. `files`: SVG by the names of their files."""

    files: dict[str, str] = field(default_factory=dict)
    bytes: int = 0

    def write_diagram(self, source: str) -> str:
        """HTML of a diagram: a picture and its source, or the source with the reason why there is no picture."""
        code = write_code(source, "")
        try:
            pictures = self._draw(source)
        except ValueError as error:
            reason = escape(str(error).partition("\n")[0][:200])
            caption = f"<figcaption>This diagram could not be drawn: {reason}</figcaption>"
            return f'<figure class="diagram">{code}{caption}</figure>\n'
        light, dark = (f"{DIAGRAMS}{pictures[theme]}" for theme in get_args(Theme))
        found = _BOX.search(self.files[pictures["light"]])
        size = f' width="{round(float(found[1]))}" height="{round(float(found[2]))}"' if found else ""
        return (
            f'<figure class="diagram"><picture><source srcset="{dark}" media="(prefers-color-scheme: dark)">'
            f'<img src="{light}" alt="{escape(_describe(source))}"{size} loading="lazy" decoding="async"></picture>'
            f"<details><summary>Source of the diagram</summary>{code}</details></figure>\n"
        )

    def _draw(self, source: str) -> dict[Theme, str]:
        """Draw a diagram in all themes; the names of its files. Raises ValueError."""
        if len(source) > MAX_SOURCE:
            raise ValueError(f"it has more than {MAX_SOURCE} characters")
        if len(self.files) >= MAX_DIAGRAMS * len(_THEMES):
            raise ValueError(f"a page shows at most {MAX_DIAGRAMS} diagrams")
        drawn: dict[Theme, str] = {}
        for theme in get_args(Theme):
            themed = f'%%{{init: {{"theme": "{_THEMES[theme]}"}}}}%%\n{source}'
            drawn[theme] = _draw_svg(source if _OWN_THEME.match(source) else themed)
        size = sum(len(svg.encode()) for svg in drawn.values())
        if self.bytes + size > MAX_BYTES:
            raise ValueError(f"the diagrams of a page have at most {MAX_BYTES} bytes together")
        self.bytes += size
        name = hashlib.sha256(source.encode()).hexdigest()[:16]
        names: dict[Theme, str] = {theme: f"{name}-{theme}.svg" for theme in drawn}
        self.files.update({names[theme]: drawn[theme] for theme in drawn})
        return names


def _describe(source: str) -> str:
    """The author's title of the diagram (accTitle), or its kind."""
    if found := _TITLE.search(source):
        return found[1].strip()
    kind = _KIND.search(_HEAD.sub("", source))
    return f"Diagram ({kind[1]})" if kind else "Diagram"
