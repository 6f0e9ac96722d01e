"""Formulas in the syntax of LaTeX as MathML Core, which browsers show without scripts. Pure; for a worker process."""

import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from math_core import LatexToMathML

MAX_FORMULA: Final = 4_000
"""Characters; a longer formula is shown as it is written."""

TAGS: Final = frozenset(
    {"math", "menclose", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded", "mphantom", "mprescripts"}
    | {"mroot", "mrow", "mspace", "msqrt", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder"}
    | {"munderover"}
)
ATTRIBUTES: Final = frozenset(
    {"accent", "accentunder", "class", "depth", "display", "displaystyle", "form", "height", "linethickness", "lspace"}
    | {"mathcolor", "mathvariant", "maxsize", "minsize", "movablelimits", "rspace", "scriptlevel", "stretchy"}
    | {"voffset", "width"}
)

_CLASSES: Final = {
    "text-align:left": "m-left",
    "text-align:right": "m-right",
    "padding-left:0": "m-pl-0",
    "padding-left:0.1em": "m-pl-thin",
    "padding-left:1em": "m-pl-1",
    "padding-right:0": "m-pr-0",
    "padding-right:0.1em": "m-pr-thin",
    "padding-top:0.1667em": "m-pt-thin",
    "margin-left:-0.16666667em": "m-negative",
    "border-top:0.05em solid currentcolor": "m-top",
    "border-right:0.05em solid currentcolor": "m-line",
    "border-left:0.05em solid currentcolor": "m-first-line",
    "border-top:0.05em dashed currentcolor": "m-top m-dashed",
    "border-right:0.05em dashed currentcolor": "m-line m-dashed",
    "border-left:0.05em dashed currentcolor": "m-first-line m-dashed",
    "width:100%": "m-full",
    "width:50%": "m-half",
    "width:7.5%": "m-number",
}
"""Classes of static/src/styles/public.css by declaration: the pages' policy allows no style attributes."""
_STYLE: Final = re.compile(r' style="([^"]*)"')
_COLOUR: Final = re.compile(r"color:(#[0-9A-Fa-f]{3,8})")


@cache
def _converter() -> "LatexToMathML":
    # Imported here, because the server process does not need it.
    from math_core import LatexToMathML

    return LatexToMathML(fancy_error=False, max_expansions=200)


def write_formula(latex: str, *, display: bool) -> str:
    """HTML of a formula. One that cannot be read is shown as it is written, with what is wrong as its title."""
    from math_core import LatexError

    try:
        if len(latex) > MAX_FORMULA:
            raise LatexError(f"the formula has more than {MAX_FORMULA} characters")
        formula = _STYLE.sub(_to_classes, _converter().convert_with_local_state(latex, displaystyle=display))
    except LatexError as error:
        source = f'<code class="bad-formula" title="{escape(str(error))}">{escape(latex)}</code>'
        return f'<p class="formula">{source}</p>\n' if display else source
    if not display:
        return formula
    return f'<div class="formula" role="group" aria-label="Formula" tabindex="0">{formula}</div>\n'


def _to_classes(style: re.Match[str]) -> str:
    names: list[str] = []
    colour = ""
    for declaration in style[1].split(";"):
        text = re.sub(r":\s*", ":", declaration.strip())
        if found := _COLOUR.fullmatch(text):
            colour = f' mathcolor="{found[1]}"'
        elif text in _CLASSES:
            names.append(_CLASSES[text])
    return (f' class="{" ".join(names)}"' if names else "") + colour
