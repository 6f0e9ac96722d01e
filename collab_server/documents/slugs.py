"""Slugs of tags and categories: names that differ only in case, marks and spaces are one."""

import hashlib
import re
import unicodedata

_BETWEEN = re.compile(r"[\W_]+")


def slug_of(name: str) -> str:
    """Lower case letters and digits of any script, joined by hyphens; at most 80 characters, never empty.

    Not PostgreSQL's `app.slugify`: what a letter is depends there on the database's locale.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    slug = _BETWEEN.sub("-", folded).strip("-")[:80].strip("-")
    return slug or "x-" + hashlib.sha256(name.encode()).hexdigest()[:8]
