"""Blocks of code with the tokens of their language marked. Pure; for a worker process."""

from functools import lru_cache
from html import escape
from typing import Final

from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from collab_server.features.content.markup import LANGUAGE

MAX_HIGHLIGHTED: Final = 50_000
"""Characters of a block; a larger one has no colours."""

_PREFIX: Final = "hl-"
_FORMATTER: Final[HtmlFormatter[str]] = HtmlFormatter(nowrap=True, classprefix=_PREFIX)


@lru_cache(maxsize=200)
def _find_lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def write_code(text: str, language: str) -> str:
    """HTML of a block of code; `language`: the first word behind the fence, or ''."""
    name = language if LANGUAGE.fullmatch(f"language-{language}") else ""
    lexer = _find_lexer(name.lower()) if name and len(text) <= MAX_HIGHLIGHTED else None
    marked = escape(text, quote=False) if lexer is None else highlight(text, lexer, _FORMATTER)
    kind = f' class="language-{name}"' if name else ""
    label = f"Code: {name}" if name else "Code"
    return (
        f'<pre class="code" tabindex="0" role="group" aria-label="{escape(label)}"><code{kind}>{marked}</code></pre>\n'
    )
