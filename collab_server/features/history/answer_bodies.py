"""Answers with tens of thousands of parts. Workers write their JSON, because it takes longer than anybody who types
should wait for the process with the sockets.
"""

import hashlib
import pickle
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from collab_server.core.history import answers
from collab_server.core.history.blame import Credit
from collab_server.core.history.segment import HistoryAuthor
from collab_server.core.history.stored_history import StoredHistory
from collab_server.core.text.unified import LineCounts
from collab_server.features.document_log.history_queries import to_datetime
from collab_server.features.history.authors import KnownAuthors
from collab_server.features.history.models import BlameOut, BlameRun, ChangesSummary, DiffOut, DiffPiece


@dataclass(frozen=True, slots=True)
class Draft:
    """What a worker has computed, and its different authors, whose names are still to be found. encoded: for a worker
    alone, as decoding it takes long too.
    """

    authors: list[HistoryAuthor]
    encoded: bytes


def draft_blame(stored: StoredHistory, seq: int | None) -> Draft:
    """Read who wrote the document as it was after a row, or as it is. Raises Malformed."""
    found = answers.read_blame(stored, seq)
    return Draft(_list_authors(run.credit for run in found.runs), pickle.dumps(found))


def write_blame(encoded: bytes, known: KnownAuthors) -> bytes:
    """Write a BlameOut as JSON. encoded: of a draft."""
    found: answers.Blame = pickle.loads(encoded)  # noqa: S301 - from a worker
    show = cache(known.to_response)
    return _write(
        BlameOut(
            seq=found.position.seq,
            content_hash=hashlib.sha256(found.projection.content.encode()).hexdigest(),
            truncated=found.projection.truncated,
            runs=[
                BlameRun(
                    text=run.text,
                    author=show(_author(run.credit)),
                    time=to_datetime(run.credit.at) if run.credit else None,
                    seq=run.credit.seq if run.credit else None,
                )
                for run in found.runs
            ],
        )
    )


def draft_diff(stored: StoredHistory, old: str, new: str, seq: int) -> Draft:
    """Compare two contents by words. seq: the row of the new one. Raises Malformed."""
    pieces = answers.read_diff(stored, old, new, seq)
    return Draft(_list_authors(credit for _, _, credit in pieces), pickle.dumps(pieces))


def write_diff(encoded: bytes, known: KnownAuthors, rows: tuple[int, int], counts: LineCounts) -> bytes:
    """Write a DiffOut as JSON. encoded: of a draft. rows: of the old and of the new content."""
    pieces: list[answers.CreditedPiece] = pickle.loads(encoded)  # noqa: S301 - from a worker
    show = cache(known.to_response)
    return _write(
        DiffOut(
            from_seq=rows[0],
            to_seq=rows[1],
            summary=ChangesSummary(added=counts.added, removed=counts.removed, modified=counts.modified),
            pieces=[
                DiffPiece(operation=operation, text=text, author=show(credit.author) if credit is not None else None)
                for operation, text, credit in pieces
            ],
        )
    )


def _write(answer: BlameOut | DiffOut) -> bytes:
    return answer.model_dump_json().encode()


def _list_authors(credits: Iterable[Credit | None]) -> list[HistoryAuthor]:
    return list(dict.fromkeys(credit.author for credit in credits if credit is not None))


def _author(credit: Credit | None) -> HistoryAuthor | None:
    return credit.author if credit is not None else None
