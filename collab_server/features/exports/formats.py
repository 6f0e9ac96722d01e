"""The formats of a single document, and making its bytes in them. Pure; run in a worker process where it takes long."""

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from collab_server.errors import FormatNotInstalled
from collab_server.features.exports.discussion.threads import Discussion, Thread, to_json

if TYPE_CHECKING:
    from collab_server.features.exports.blocks import Pictures

Format = Literal["md", "html", "txt", "json", "yjs", "docx", "pdf"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

VERSION: Final = 4
"""Version of the files. Increase it with each change of the output, so that copies of clients are outdated."""

_PAGE: Final = """\
<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: break-word; }}
pre, code {{ font-family: ui-monospace, monospace; font-size: .92em; background: color-mix(in srgb, currentcolor 8%, transparent); border-radius: 4px; }}
code {{ padding: .1em .3em; }} pre {{ padding: .8em 1em; overflow-x: auto; }} pre code {{ padding: 0; background: none; }}
blockquote {{ margin-inline: 0; padding-inline-start: 1em; border-inline-start: 3px solid color-mix(in srgb, currentcolor 30%, transparent); }}
table {{ border-collapse: collapse; }} th, td {{ border: 1px solid color-mix(in srgb, currentcolor 30%, transparent); padding: .3em .7em; }}
.callout {{ margin: 1em 0; padding: .6em 1em; border-inline-start: 4px solid #3b82d0; border-radius: 6px; background: color-mix(in srgb, #3b82d0 9%, transparent); }}
.callout > :last-child {{ margin-bottom: .2em; }} .callout-title {{ margin: 0 0 .3em; font-weight: 650; }}
.callout.tip {{ border-color: #2f9e5b; background: color-mix(in srgb, #2f9e5b 9%, transparent); }} .callout.important {{ border-color: #8a5cd6; background: color-mix(in srgb, #8a5cd6 9%, transparent); }}
.callout.warning {{ border-color: #c98a12; background: color-mix(in srgb, #c98a12 11%, transparent); }} .callout.caution {{ border-color: #d1434b; background: color-mix(in srgb, #d1434b 9%, transparent); }}
details {{ margin: 1em 0; }} summary {{ font-weight: 600; cursor: pointer; }} details > :not(summary) {{ margin-inline-start: 1.1em; }} .formula {{ overflow-x: auto; text-align: center; }}
img {{ max-width: 100%; }} li > input {{ margin-inline-start: -1.3em; }}
@media print {{ body {{ margin: 0; max-width: none; }} }}
{style}</style>
</head>
<body dir="auto">
{body}</body>
</html>
"""  # noqa: E501


@dataclass(frozen=True, slots=True)
class Kind:
    media_type: str
    extension: str


KINDS: Final[Mapping[Format, Kind]] = {
    "md": Kind("text/markdown; charset=utf-8", ".md"),
    "html": Kind("text/html; charset=utf-8", ".html"),
    "txt": Kind("text/plain; charset=utf-8", ".txt"),
    "json": Kind("application/json", ".json"),
    "yjs": Kind("application/octet-stream", ".yjs"),
    "docx": Kind("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"),
    "pdf": Kind("application/pdf", ".pdf"),
}
MEDIA_TYPES: Final = tuple(kind.media_type.partition(";")[0] for kind in KINDS.values())


_OPTIONAL: Final[Mapping[str, tuple[str, ...]]] = {"pdf": ("manimgx_fonts", "manimgx_fonts_cjk", "typst")}
"""Modules that only an installation with the extra of the same name has."""


def list_absent() -> list[str]:
    """Return the formats that this installation cannot write. The modules are looked for and not imported."""
    return [name for name, modules in _OPTIONAL.items() if not all(map(find_spec, modules))]


def check_installed(asked: Iterable[str]) -> None:
    """Raises FormatNotInstalled."""
    for name in list_absent():
        if name in asked:
            raise FormatNotInstalled(
                f"this server is installed without {name}: its operator installs the extra `{name}`"
            )


def write_page(title: str, body: str, language: str = "", style: str = "") -> bytes:
    """Write a complete HTML document with a sanitised body, without scripts. `style`: more CSS."""
    page = _PAGE.format(title=html.escape(title), body=body, language=html.escape(language), style=style)
    return page.encode()


def write_json(document: Mapping[str, Any], content: str, threads: Sequence[Thread] | None = None) -> bytes:
    """The document's metadata with its text, and its threads as `comments` if they are given."""
    fields = {**document, "content": content}
    if threads is not None:
        fields["comments"] = [to_json(each) for each in threads]
    return json.dumps(fields, ensure_ascii=False, indent=2).encode() + b"\n"


def write_docx(markdown: str, title: str, changed: datetime, pictures: "Pictures") -> bytes:
    # Imported here, because the server process does not need it.
    from collab_server.features.exports import blocks, docx_file

    return docx_file.write(title, blocks.read(markdown), changed, pictures)


def write_docx_with_comments(discussion: Discussion, title: str, changed: datetime, pictures: "Pictures") -> bytes:
    from collab_server.features.exports import blocks, docx_file
    from collab_server.features.exports.discussion import word

    found = discussion.arrange()
    comments = word.Comments(found.placed, found.others)
    return docx_file.write(title, blocks.read(found.front + found.text, found.ranges), changed, pictures, comments)


def write_page_with_comments(discussion: Discussion, title: str) -> bytes:
    """Raises TooLong."""
    from collab_server.features.exports.discussion import pages

    return write_page(title, pages.render(discussion), style=pages.STYLE)


def write_markdown_with_comments(discussion: Discussion) -> bytes:
    from collab_server.features.exports.discussion import footnotes

    return footnotes.write(discussion).encode()


def write_pdf(markdown: str, title: str, changed: datetime, pictures: "Pictures") -> bytes:
    from collab_server.features.exports import blocks, pdf_file

    return pdf_file.write(title, blocks.read(markdown), changed, pictures)
