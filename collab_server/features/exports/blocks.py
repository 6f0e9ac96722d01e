"""The blocks of a Markdown text with the content of its sanitised HTML, the source of Word and PDF files. Pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from collab_server.core.documents.attachment_links import find_links
from collab_server.core.markdown import front_matter, places
from collab_server.core.markdown.inline_reader import TAG_MARKS, add_tag_rule
from collab_server.core.markdown.parser import new_document_parser
from collab_server.core.markdown.parsing_cost import check_parsing_cost
from collab_server.core.markdown.runs import Run
from collab_server.core.markdown.syntax_tree import Block, Heading, Paragraph, build_blocks
from collab_server.features.attachments.files.embedded_image import EmbeddedImage

__all__ = [
    "NO_PICTURES",
    "Block",
    "EmbeddedImage",
    "Heading",
    "Paragraph",
    "Pictures",
    "find_picture",
    "is_right_to_left",
    "link_of",
    "read",
    "text_of",
]

Pictures = Mapping[UUID, EmbeddedImage]
"""Pictures by the ids of attachments."""
NO_PICTURES: Final[Pictures] = {}

_SAFE_LINK: Final = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)


def read(markdown: str, ranges: Sequence[places.Range] = ()) -> list[Block]:
    """Parse Markdown to blocks, without its front matter. `ranges`: of the text without front matter; the blocks get
    their marks, see core.markdown.places. Raises TooMuchWork.
    """
    check_parsing_cost(markdown)
    parser = new_document_parser()
    if ranges:
        places.add_place_rules(parser)
        places.mark_ranges(parser, ranges)
    add_tag_rule(parser)
    parser.disable("text_join")
    # link_of drops unsafe addresses, and the text of the link stays.
    parser.validateLink = lambda _: True  # type: ignore[assignment,method-assign]
    return build_blocks(parser.parse(front_matter.split_front_matter(markdown)[1]), TAG_MARKS)


def text_of(run: Run) -> str:
    """The visible text of a run: a line feed for a break, the description or the address for an image."""
    if run.kind == "break":
        return "\n"
    return run.text or link_of(run) or "image" if run.image is not None else run.text


def find_picture(run: Run, pictures: Pictures) -> UUID | None:
    """Find the picture that a run shows. None: it is no image, or of another address."""
    return next((each for each in find_links(run.image[1]) if each in pictures), None) if run.image else None


def link_of(run: Run) -> str:
    """The safe address to which a run links, or ''. Images are not fetched: their description links to them."""
    links = [mark for mark in run.marks if isinstance(mark, tuple)]
    if run.image is not None:
        links.append(run.image)
    return next((address for _, address, _ in links if _SAFE_LINK.match(address)), "")


def is_right_to_left(runs: Sequence[Run]) -> bool:
    """Return the direction of the first character with one."""
    for run in runs:
        for character in text_of(run):
            direction = unicodedata.bidirectional(character)
            if direction in ("L", "R", "AL"):
                return direction != "L"
    return False
