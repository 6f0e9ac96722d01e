"""Versions and sessions as answers show them."""

from collab_server.core.history.sessions import Session
from collab_server.features.document_log.history_queries import to_datetime
from collab_server.features.history.authors import KnownAuthors
from collab_server.features.history.models import ChangesSummary, SessionOut, VersionOut
from collab_server.features.history.version_queries import Version


def show_version(version: Version, known: KnownAuthors) -> VersionOut:
    """Return the JSON shape of a version."""
    return VersionOut(
        number=version.number,
        kind=version.kind,  # type: ignore[arg-type]
        label=version.label,
        pinned=version.pinned,
        title=version.title,
        content_hash=version.content_hash,
        content_truncated=version.truncated,
        size_bytes=version.size_bytes,
        generation=version.generation,
        seq=version.seq,
        authors=[known.to_response(author) for author in version.authors],
        changes_summary=ChangesSummary(**version.changes_summary),
        change_description=version.change_description,
        created_by=version.created_by,
        created_at=version.created_at,
        metadata=version.metadata,
    )


def show_session(session: Session, known: KnownAuthors) -> SessionOut:
    """Return the JSON shape of a session."""
    return SessionOut(
        author=known.to_response(session.author),
        first_at=to_datetime(session.first_at),
        last_at=to_datetime(session.last_at),
        from_seq=session.from_seq,
        to_seq=session.to_seq,
        inserted=session.inserted,
        deleted=session.deleted,
    )
