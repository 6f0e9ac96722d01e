"""The elements of a page, as readers pass them to one another. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Element:
    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element | str"] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    def inside(self) -> Iterator["Element"]:
        """All elements in it, at any depth, in order."""
        stack = [child for child in reversed(self.children) if isinstance(child, Element)]
        while stack:
            element = stack.pop()
            yield element
            stack += [child for child in reversed(element.children) if isinstance(child, Element)]

    def text(self) -> str:
        """Return the text of all descendants, unchanged."""
        found: list[str] = []
        stack: list[Element | str] = [self]
        while stack:
            current = stack.pop()
            if isinstance(current, str):
                found.append(current)
            else:
                stack.extend(reversed(current.children))
        return "".join(found)


def preformatted(element: Element) -> str:
    """The text of a `pre`, with its line breaks."""
    return "".join(
        child if isinstance(child, str) else "\n" if child.tag == "br" else preformatted(child)
        for child in element.children
    )


def groups(table: Element) -> list[list[Element]]:
    """Captions, and the rows of each part of the table: no cell spans rows of two parts."""
    groups: list[list[Element]] = [[]]
    for child in table.children:
        if not isinstance(child, Element):
            continue
        if child.tag in ("thead", "tbody", "tfoot"):
            groups += [[row for row in child.children if isinstance(row, Element) and row.tag == "tr"], []]
        elif child.tag == "caption":
            groups += [[child], []]
        elif child.tag == "tr":
            groups[-1].append(child)
    return groups
