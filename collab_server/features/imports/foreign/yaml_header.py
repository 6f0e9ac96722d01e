"""Front matter of Markdown files: title, tags, dates, aliases. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

import yaml

from collab_server.core.markdown import front_matter
from collab_server.features.documents.field_types import MAX_TAGS
from collab_server.features.imports.foreign import notes
from collab_server.web.fields import a_line

_TITLE: Final = ("title",)
_TAGS: Final = ("tags", "tag", "keywords")
_ALIASES: Final = ("aliases", "alias")
_DATES: Final[Mapping[str, tuple[str, ...]]] = {
    "created": ("created", "created_at", "date", "date created"),
    "updated": ("updated", "updated_at", "modified", "lastmod", "date modified"),
}
_MAX_LINE: Final = 500
_MAX_TAG: Final = 50
_MAX_ALIASES: Final = 50
_MAX_NESTING: Final = 20
"""Levels; PyYAML calls itself for each."""


@dataclass(frozen=True, slots=True)
class Header:
    """`metadata`: `aliases`, and `created` and `updated` as ISO 8601, of the document."""

    title: str = ""
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read(block: str) -> Header:
    """Read the front matter. `block`: found by front_matter.split; it stays in the text."""
    try:
        header = _loaded(front_matter.front_matter_lines(block))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        where = f" (line {line + 2})" if line is not None else ""
        return Header(notes=(f"the front matter is not YAML that can be read{where}: its fields were not taken",))
    if not isinstance(header, dict):
        return Header()
    fields = {key.strip().lower(): value for key, value in header.items() if isinstance(key, str)}
    tags, refused = _tags(_first(fields, _TAGS))
    metadata: dict[str, Any] = {}
    if aliases := [line for line in _lines(_first(fields, _ALIASES), separators=",") if line][:_MAX_ALIASES]:
        metadata["aliases"] = aliases
    for name, keys in _DATES.items():
        if moment := next(filter(None, (_moment(fields.get(key)) for key in keys)), ""):
            metadata[name] = moment
    named = _first(fields, _TITLE)
    title = next(_lines(named, separators=""), "") if isinstance(named, str) else ""
    note = notes.note_left_out(refused, "tag of the front matter", "tags of the front matter")
    return Header(title, tags, metadata, notes.drop_empty([note]))


def _loaded(text: str) -> Any:
    """Load strings, lists and mappings of strings, so that a title of `10:30` or `no` stays a string. Raises YAMLError,
    ValueError.
    """
    depth = 0
    # Nested aliases could expand exponentially.
    for event in yaml.parse(text, yaml.BaseLoader):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("no aliases")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_NESTING:
                raise ValueError("nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return yaml.load(text, yaml.BaseLoader)  # noqa: S506 - it makes strings, lists and mappings only


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((fields[name] for name in names if fields.get(name)), None)


def _lines(value: Any, separators: str) -> Iterator[str]:
    """Return the valid lines of a list, or of a text with separators."""
    values = value if isinstance(value, list) else [value]
    if isinstance(value, str):
        text = value
        for sign in separators:
            text = text.replace(sign, "\n")
        values = text.split("\n") if separators else [" ".join(value.split())]
    for each in values:
        if isinstance(each, str):
            try:
                yield a_line(" ".join(each.split())[:_MAX_LINE])
            except ValueError:
                continue


def _tags(value: Any) -> tuple[tuple[str, ...], list[str]]:
    """Return (valid tags, the others)."""
    good: dict[str, str] = {}
    refused = []
    # Obsidian takes a text for tags with commas or spaces between.
    for line in _lines(value, separators="," if isinstance(value, str) and "," in value else " "):
        tag = line.removeprefix("#").strip()
        if not tag or tag.casefold() in good:
            continue
        if len(tag) > _MAX_TAG or len(good) >= MAX_TAGS:
            refused.append(tag)
        else:
            good[tag.casefold()] = tag
    return tuple(good.values()), refused


def _moment(value: Any) -> str:
    """Return a date or a date with time as ISO 8601, otherwise ''."""
    if not isinstance(value, str):
        return ""
    text = value.strip()
    for kind in (date, datetime):
        try:
            return kind.fromisoformat(text).isoformat()
        except ValueError:
            continue
    return ""
