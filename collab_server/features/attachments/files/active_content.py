"""Recognition of content that a browser would execute: markup in any encoding, and scripts. Pure."""

import re
from typing import Final

_BLANK: Final = re.compile(rb"(?:[\x00-\x20]|\xef\xbb\xbf|\xff\xfe|\xfe\xff)*")
_BLANK_CHARACTERS: Final = "".join(map(chr, range(0x21))) + "\ufeff"
_TAG: Final = re.compile(r"<[a-z!?/]", re.IGNORECASE)
_ROOT: Final = re.compile(r"<([^\s/>]*)([^>]*)")
_ACTIVE: Final = re.compile(
    r"<(?:!doctype|html|head|body|script|iframe|object|embed|svg|style|meta|img|form)[\s/>]", re.IGNORECASE
)
_SCRIPT: Final = re.compile(
    r"""["']use\ strict["'] | (?:async\s+)?function\b[\w\s$*]{0,100}\( | \(\s*(?:async\s*)?(?:function\b|\(\)\s*=>)
    | export\s+(?:default|const|function|class)\b | import\s+(?:[\w*{}\s,$]{1,500}\sfrom\s+)?["']
    | \#![^\n]*\b(?:node|deno|bun)\b | (?:document|window|globalThis)\.\w""",
    re.VERBOSE,
)


def recognise_markup(head: bytes) -> str | None:
    """Return the type of a file that begins with a tag, a comment or a declaration."""
    # Without its NULs UTF-16 and UTF-32 read like ASCII.
    text = head[_match_blank(head) :].replace(b"\0", b"").decode("latin-1")
    if not _TAG.match(text):
        return None
    at, is_xml, doctype = 0, text.startswith("<?xml"), ""
    while text.startswith(("<!", "<?"), at):
        end = _find_end(text, at)
        if text.startswith("<!d", at) or text.startswith("<!D", at):
            doctype = text[at:end].lower()
        at = end
        while at < len(text) and (text[at].isspace() or text[at] < " "):
            at += 1
    root = _ROOT.match(text, at)
    name, attributes = (root[1].lower().rpartition(":")[2], root[2]) if root else ("", "")
    if name == "svg":
        return "image/svg+xml"
    if name == "html":
        return "application/xhtml+xml" if is_xml or "xhtml" in doctype else "text/html"
    return "application/xml" if is_xml or "xmlns" in attributes else "text/html"


def recognise_utf7(head: bytes) -> str | None:
    """Return text/html for a file that has markup only if it is read as UTF-7."""
    if b"+" not in head:
        return None
    plain, decoded = head.decode("latin-1"), head.decode("utf-7", "ignore")
    hidden = len(_ACTIVE.findall(decoded)) > len(_ACTIVE.findall(plain)) or _TAG.match(
        decoded.lstrip(_BLANK_CHARACTERS)
    )
    return "text/html" if hidden else None


def contains_markup(head: bytes) -> bool:
    """Return whether a tag that may execute something is anywhere in the bytes."""
    return bool(_ACTIVE.search(head.replace(b"\0", b"").decode("latin-1")))


def is_script(text: str) -> bool:
    """Return whether a text begins like a module or script in JavaScript. Most scripts are not found: nosniff keeps
    pages from running them.
    """
    return bool(_SCRIPT.match(text))


def _match_blank(head: bytes) -> int:
    """Return the length of the white space, NULs and byte order marks at the beginning."""
    blank = _BLANK.match(head)
    return blank.end() if blank else 0


def _find_end(text: str, at: int) -> int:
    """Return the index after the comment, instruction or declaration at `at`; the text's length if it has no end."""
    if text.startswith("<!--", at):
        mark = "-->"
    elif text.startswith("<?", at):
        mark = "?>"
    else:
        closing, subset = text.find(">", at), text.find("[", at)
        mark = "]>" if -1 < subset < closing else ">"
    end = text.find(mark, at)
    return len(text) if end < 0 else end + len(mark)
