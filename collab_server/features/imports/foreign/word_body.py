"""Rewriting of a Word document for mammoth: unsupported elements become supported ones. Pure."""

from collections import Counter
from collections.abc import Container, Iterator
from typing import Final

from collab_server.features.imports.foreign import equations, notes, word_styles
from collab_server.features.imports.foreign import word_xml as xml
from collab_server.features.imports.foreign.page_tree import Element
from collab_server.features.imports.foreign.word_numbers import Numbers
from collab_server.features.imports.foreign.word_styles import Styles
from collab_server.features.imports.foreign.word_xml import Xml

NUMBER: Final = "collab_number_"
"""Prefix of bookmark names for the numbers of paragraphs."""

_READ: Final = frozenset(
    {
        "w:body",
        "w:t",
        "w:r",
        "w:p",
        "w:tbl",
        "w:tr",
        "w:tc",
        "w:customXml",
        "w:ins",
        "w:moveTo",
        "w:object",
        "w:smartTag",
        "w:drawing",
    }
    | {"v:group", "v:rect", "v:roundrect", "v:shape", "v:textbox", "w:txbxContent", "w:pict", "w:hyperlink", "w:sdt"}
    | {"w:sdtContent", "w:footnote", "w:endnote", "w:comment", "w:del", "w:moveFrom", "wp:inline", "wp:anchor"}
)
"""Elements with text, known to mammoth."""
_MAX_HEADING: Final = 6


class Body:
    def __init__(self, styles: Styles, numbers: Numbers, comments: Container[int | None] = ()) -> None:
        """`comments`: numbers of known comments."""
        self._comments = comments
        self._styles = styles
        self._numbers = numbers
        self.counts: Counter[str] = Counter()

    def rewrite(self, root: Xml) -> None:
        for element in list(root.iter("{*}AlternateContent")):
            self._alternative(element)
        for element in list(root.iter("{*}oMathPara", "{*}oMath")):
            if xml.name(element).startswith("m:") and _is_in(element, root):
                self._equation(element)
        for element in list(root.iter()):
            self._element(element, root)

    def _element(self, element: Xml, root: Xml) -> None:
        kind = xml.name(element)
        if kind == "w:p":
            self._paragraph(element)
        elif kind == "w:r":
            self._run(element)
        elif kind == "w:tr":
            _fill_row(element)
        elif kind == "w:rt":
            self.counts["ruby"] += 1
            element.getparent().remove(element)
        elif kind == "w:cr":
            xml.unwrap(element, [xml.make(element, "br")])
        elif kind == "w:ptab":
            xml.unwrap(element, [xml.make(element, "tab")])
        elif kind == "w:drawing":
            self._drawing(element)
        elif kind == "w:commentReference":
            # WordComments.mark writes those of known comments.
            self.counts["comments"] += xml.number(element, "id") not in self._comments
            element.getparent().remove(element)
        elif kind in ("w:ins", "w:del", "w:moveFrom", "w:moveTo"):
            self.counts["changes"] += xml.name(element.getparent()) not in ("w:rPr", "w:trPr", "w:pPr")
        # mammoth drops unknown elements with their content.
        if kind not in _READ and _is_in(element, root) and xml.has_text(element):
            xml.unwrap(element, [each for each in element if not xml.name(each).endswith("Pr")])

    def _alternative(self, element: Xml) -> None:
        options = {xml.name(each): each for each in reversed(element)}
        fallback = options.get("mc:Fallback")
        chosen = fallback if fallback is not None and len(fallback) else options.get("mc:Choice")
        xml.unwrap(element, list(chosen) if chosen is not None else [])

    def _equation(self, element: Xml) -> None:
        inner = [each for each in element.iter() if xml.name(each) == "m:oMath"]
        text = "; ".join(filter(None, (equations.of(_tree(each)) for each in inner)))
        self.counts["equations"] += len(inner)
        around = element.getparent()
        main = next((each for each in element.iterancestors() if xml.name(each).startswith("w:")), None)
        if main is None:
            return
        run = xml.make(main, "r")
        words = xml.make(main, "t")
        words.text = text
        words.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        run.append(words)
        if xml.name(around) in ("w:body", "w:tc", "w:sdtContent", "w:txbxContent"):
            paragraph = xml.make(main, "p")
            paragraph.append(run)
            run = paragraph
        xml.unwrap(element, [run])

    def _paragraph(self, element: Xml) -> None:
        properties = xml.child(element, "w:pPr")
        style_id = xml.value(xml.child(properties, "w:pStyle"))
        outline = xml.number(xml.child(properties, "w:outlineLvl"))
        heading = outline + 1 if outline is not None and outline < 9 else self._styles.heading(style_id)
        numbered = self._count(element, properties, style_id, heading is not None)
        if heading is not None:
            _set_style(element, f"Heading{min(heading, _MAX_HEADING)}")
        elif not numbered and (known := self._styles.known(style_id)) is not None:
            _set_style(element, known)

    def _count(self, element: Xml, properties: Xml | None, style_id: str | None, heading: bool) -> bool:  # noqa: FBT001
        """Add the number to a paragraph of a list. False if it is not in a list."""
        given = xml.child(properties, "w:numPr")
        by_style = self._styles.numbering(style_id)
        number_id = xml.value(xml.child(given, "w:numId")) or by_style[0]
        if number_id is None:
            return False
        at = xml.number(xml.child(given, "w:ilvl"))
        if at is None:
            at = by_style[1] if by_style[1] is not None else self._numbers.level_of_style(style_id)
        found = self._numbers.next(number_id, at)
        if given is not None:
            properties.remove(given)  # type: ignore[union-attr]
        if found is None or found[0].format == "none":
            self._number(element, 0, "0")  # Or mammoth may find a list by the style.
            return False
        level, number = found
        if level.format != "bullet":
            self.counts["heading numbers" if heading else "numbers"] += heading or not level.is_plain
        if heading:
            return True
        self._number(element, at, number_id)
        if level.format != "bullet":
            element.insert(1, xml.make(element, "bookmarkStart", id="0", name=f"{NUMBER}{number}"))
        return True

    @staticmethod
    def _number(paragraph: Xml, at: int, number_id: str) -> None:
        numbering = xml.make(paragraph, "numPr")
        numbering.append(xml.make(paragraph, "ilvl", val=str(at)))
        numbering.append(xml.make(paragraph, "numId", val=number_id))
        _properties(paragraph).append(numbering)

    def _run(self, element: Xml) -> None:
        properties = xml.child(element, "w:rPr")
        style_id = xml.value(xml.child(properties, "w:rStyle"))
        paragraph = next((each for each in element.iterancestors() if xml.name(each) == "w:p"), None)
        of_paragraph = xml.value(xml.child(paragraph, "w:pPr", "w:pStyle"))
        hidden = xml.is_on(xml.child(properties, "w:vanish"))
        if hidden is None:
            hidden = self._styles.is_on("vanish", style_id, of_paragraph)
        if hidden:
            # Fields begin and end in runs, also in hidden ones.
            hidden_parts = [each for each in element if xml.name(each) not in ("w:rPr", "w:fldChar", "w:instrText")]
            self.counts["hidden"] += bool(hidden_parts)
            for each in hidden_parts:
                element.remove(each)
            return
        if properties is None:
            return
        if xml.is_on(xml.child(properties, "w:dstrike")) and xml.child(properties, "w:strike") is None:
            properties.append(xml.make(element, "strike"))
        if style_id is None:
            return
        for mark in word_styles.MARKS:
            if xml.child(properties, f"w:{mark}") is None and self._styles.is_on(mark, style_id):
                properties.append(xml.make(element, mark))

    def _drawing(self, element: Xml) -> None:
        boxes = [each for each in element.iter() if xml.name(each) == "w:txbxContent"]
        graphics = any(xml.name(each) in ("c:chart", "dgm:relIds") for each in element.iter())
        self.counts["graphics"] += graphics
        if boxes:
            # mammoth looks for text in the shapes of older versions only.
            picture = xml.make(element, "pict")
            for box in boxes:
                picture.append(box)
            xml.unwrap(element, [picture])

    def notes(self) -> Iterator[str]:
        count = self.counts
        if count["equations"]:
            yield f"{notes.count(count['equations'], 'equation')} became text"
        if count["hidden"]:
            yield f"{notes.count(count['hidden'], 'piece of hidden content', 'pieces of hidden content')} left out"
        if count["comments"]:
            yield f"{notes.count(count['comments'], 'comment')} left out"
        if count["changes"]:
            yield f"{notes.count(count['changes'], 'tracked change')} taken as accepted"
        if count["graphics"]:
            yield f"{notes.count(count['graphics'], 'chart or diagram', 'charts or diagrams')} left out"
        if count["heading numbers"]:
            yield f"the automatic numbers of {notes.count(count['heading numbers'], 'heading')} left out"
        if count["numbers"]:
            items = notes.count(count["numbers"], "list item")
            yield f"the numbers of {items} became plain ones: they were letters, Roman, or had words or several parts"
        if count["ruby"]:
            yield f"{notes.count(count['ruby'], 'reading aid')} (ruby) left out"


def _is_in(element: Xml, root: Xml) -> bool:
    """Return whether the element is still in the tree."""
    parent = element.getparent()
    while parent is not None and parent is not root:
        parent = parent.getparent()
    return parent is root


def _properties(paragraph: Xml) -> Xml:
    found = xml.child(paragraph, "w:pPr")
    if found is None:
        found = xml.make(paragraph, "pPr")
        paragraph.insert(0, found)
    return found


def _set_style(paragraph: Xml, style_id: str) -> None:
    properties = _properties(paragraph)
    given = xml.child(properties, "w:pStyle")
    if given is not None:
        properties.remove(given)
    properties.insert(0, xml.make(paragraph, "pStyle", val=style_id))


def _fill_row(row: Xml) -> None:
    """Add an empty cell for columns omitted at the beginning of a row."""
    before = xml.number(xml.child(row, "w:trPr", "w:gridBefore")) or 0
    if not 0 < before <= 100:
        return
    cell = xml.make(row, "tc")
    properties = xml.make(row, "tcPr")
    properties.append(xml.make(row, "gridSpan", val=str(before)))
    cell.append(properties)
    cell.append(xml.make(row, "p"))
    at = next((index for index, each in enumerate(row) if xml.name(each) in ("w:tc", "w:sdt")), len(row))
    row.insert(at, cell)


def _tree(element: Xml) -> Element:
    """Return an equation as elements without namespaces."""
    attributes = {key.rpartition("}")[2]: text for key, text in element.attrib.items()}
    local = xml.name(element).rpartition(":")[2]
    children: list[Element | str] = [_tree(each) for each in element]
    if not children and element.text and local == "t":
        children = [element.text]
    return Element(local, attributes, children)
