"""The rule of markdown-it for GFM's alerts: a quote that begins with a line `[!NOTE]` is a callout."""

from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore

KINDS: Final = ("note", "tip", "important", "warning", "caution")
_OTHER_NAMES: Final = {
    "info": "note",
    "default": "note",
    "success": "tip",
    "warn": "warning",
    "danger": "caution",
    "error": "caution",
}
"""What other editors call them."""
_SIGNS: Final = {f"[!{kind}]": kind for kind in KINDS}


def callout_kind(value: object) -> str:
    """The one of KINDS that an editor's attribute means; `note` for others."""
    name = value.lower() if isinstance(value, str) else ""
    return name if name in KINDS else _OTHER_NAMES.get(name, "note")


def callout_title(kind: str) -> str:
    """The word that is shown above a callout."""
    return kind.capitalize()


def add_callout_rule(parser: MarkdownIt) -> None:
    """Have the parser make tokens `callout_open` and `callout_close` of such quotes. `info`: the kind."""
    parser.core.ruler.after("block", "callouts", _find_callouts)


def _find_callouts(state: StateCore) -> None:
    tokens = state.tokens
    opened: list[str] = []
    gone: set[int] = set()
    for index, token in enumerate(tokens):
        if token.type == "blockquote_close":
            if kind := opened.pop():
                token.type, token.tag, token.info = "callout_close", "div", kind
        elif token.type == "blockquote_open":
            kind = ""
            if [each.type for each in tokens[index + 1 : index + 3]] == ["paragraph_open", "inline"]:
                inline = tokens[index + 2]
                sign, _, rest = inline.content.partition("\n")
                kind = _SIGNS.get(sign.strip().lower(), "")
                if kind and rest:
                    inline.content = rest
                    inline.map = inline.map and [inline.map[0] + 1, inline.map[1]]
                elif kind:
                    gone.update(range(index + 1, index + 4))
            opened.append(kind)
            if kind:
                token.type, token.tag, token.info = "callout_open", "div", kind
    if gone:
        state.tokens = [token for index, token in enumerate(tokens) if index not in gone]
