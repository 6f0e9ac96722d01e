"""Slugs of tags and categories. Names that differ only in case, marks and spaces have the same slug."""

import hashlib
import re
import unicodedata

_BETWEEN = re.compile(r"[\W_]+")


def make_slug(name: str) -> str:
    """Make a slug of lower case letters and digits of any script, joined by hyphens; at most 80 characters, never
    empty.

    PostgreSQL's `app.slugify` depends on the locale of the database.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    slug = _BETWEEN.sub("-", folded).strip("-")[:80].strip("-")
    return slug or "x-" + hashlib.sha256(name.encode()).hexdigest()[:8]
