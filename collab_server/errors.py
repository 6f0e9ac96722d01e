"""The errors of collab_server: born once, shown in three ways (HTTP problem, WebSocket close code, log line).

CollabError                     HTTP  close
|- Malformed                    400   4400   bytes or values that cannot be read
|- Unauthenticated              401   4401   no, wrong or expired credentials
|  |- InvalidCredentials        401   4401   no such account, wrong password, or used link: the same answer
|  |- SharePasswordRequired     401   4401   a link with a password; `POST shares/open` takes it
|  `- ShareEnded                401   4401   a link that was revoked, or whose time is over
|- Forbidden                    403   4403   known, but not allowed
|  |- CsrfRejected              403   4403   a browser's request with a cookie, but not from our own pages
|  |- RegistrationClosed        403   4403   accounts are made for people here, or with an invitation
|  |- ShareUsedUp               403   4403   a link that was opened as often as it may be
|  |- NotTogether               403   4403   its settings say that requests edit the document, not sockets
|  |- Encrypted                 403   4403   a password: its owner's device has the key, and the server no text
|  `- UnknownHost               421   4403   a Host header that names another server
|- NotFound                     404   4404   absent, or not yours to see: the same answer
|- Conflict                     409   4409   the state is not what the caller believed
|  |- StaleGeneration           409   4409   the client holds an older incarnation of the document
|  |- AmbiguousAddress          409   4409   `<slug>/<name>` of a workspace that the caller is no member of
|  |- StaleSuggestion           409   4409   what a suggestion changes is not in the document as it was
|  |- NoDirectUpload            409   4409   the file store takes files from this server only
|  |- FormatNotInstalled        409   4409   the server is installed without what writes this format
|  `- LimitReached              409   4409   no room for one more (member, document, tag)
|- CursorExpired                410   4409   what came after a cursor is not kept any more; begin anew
|- PreconditionFailed           412   4409   If-Match names another version than the present one
|  `- BaseUnknown               412   4409   ... and the server cannot tell what that one said
|- TooLarge                     413   1009   a message, body or document above its limit
|  |- MessageTooLarge           413   4413   a message larger than a document may be
|  `- QuotaExceeded             413   1009   the workspace's storage is full; an administrator can raise its limit
|- UnsupportedMediaType         415   4400   a body of a kind that this route does not take
|  `- TypeNotAllowed            415   4400   a file of a type that the workspace does not take
|- RangeBeyondEnd               416   4400   a range of a file that begins behind its end
|- UnprocessableContent         422   4400   well formed, but not acceptable
|  |- TooMuchWork               422   4400   well formed, but working it out takes longer than anybody may ask for
|  `- MalwareFound              422   4400   a file that the malware scanner refuses
|- TooMany                      429   4529   a rate or number limit; come back later
|- InsufficientStorage          507   1013   the disk space that is set aside for this is used up; come back later
|- Unavailable                  503   1013   the database or a worker cannot answer now; come back later
|  |- LostRace                  503   1013   a transaction lost a race; doing it again is safe
|  |- DocumentBlocked           503   1013   edits of this document cannot be stored now; others can
|  |- ProviderUnavailable       503   1013   the sign-in provider cannot answer now
|  |- StoreUnavailable          503   1013   the file store cannot answer now
|  `- ScannerUnavailable        503   1013   the malware scanner cannot answer now, and no file is kept without it
|- DocumentDamaged              500   1011   what is stored of this document cannot be read
`- ConfigurationError           500   1011   the operator must act; the command prints one line and exits 1

Close codes 4400-4499 are final for stock y-websocket clients; every other code makes them come back.

Over 300 lines: the errors are one tree.
"""

from typing import ClassVar


class CollabError(Exception):
    """`detail` is a sentence for people; `code` is the stable name for programs."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    close_code: ClassVar[int] = 1011
    title: ClassVar[str] = "Error"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title

    @property
    def members(self) -> dict[str, str]:
        """What the problem has beside its usual members."""
        return {}

    @property
    def close_reason(self) -> str:
        """The close frame's reason: `code: detail`, at most 123 bytes of UTF-8 as RFC 6455 demands."""
        reason = f"{self.code}: {self.detail}".encode()[:123]
        return reason.decode(errors="ignore")


class Malformed(CollabError):
    code = "malformed"
    status = 400
    close_code = 4400
    title = "Malformed input"


class Unauthenticated(CollabError):
    """`session_ended`: the request brought the cookie of a session that has ended; the answer takes the cookie away."""

    code = "unauthenticated"
    status = 401
    close_code = 4401
    title = "Authentication required"

    def __init__(self, detail: str = "", *, session_ended: bool = False) -> None:
        super().__init__(detail)
        self.session_ended = session_ended


class InvalidCredentials(Unauthenticated):
    code = "invalid_credentials"
    title = "Not signed in"


class SharePasswordRequired(Unauthenticated):
    code = "share_password_required"
    title = "The link has a password"


class ShareEnded(Unauthenticated):
    code = "share_ended"
    title = "The link has ended"


class Forbidden(CollabError):
    code = "forbidden"
    status = 403
    close_code = 4403
    title = "Not allowed"


class CsrfRejected(Forbidden):
    code = "csrf_rejected"
    title = "Request from a foreign page"


class RegistrationClosed(Forbidden):
    code = "registration_closed"
    title = "Accounts are made by invitation"


class ShareUsedUp(Forbidden):
    code = "share_used_up"
    title = "The link is used up"


class NotTogether(Forbidden):
    code = "not_collaborative"
    title = "The document is not edited together"


class Encrypted(Forbidden):
    code = "encrypted_document"
    title = "The document is encrypted by its owner's device"


class UnknownHost(Forbidden):
    code = "unknown_host"
    status = 421
    title = "This server is not called that"


class NotFound(CollabError):
    code = "not_found"
    status = 404
    close_code = 4404
    title = "Not found"


class Conflict(CollabError):
    code = "conflict"
    status = 409
    close_code = 4409
    title = "Conflict"


class StaleGeneration(Conflict):
    code = "stale_generation"
    title = "The document was replaced; reload it"


class AmbiguousAddress(Conflict):
    code = "ambiguous_address"
    title = "The address may mean two documents"


class StaleSuggestion(Conflict):
    code = "stale_suggestion"
    title = "The suggestion does not fit the document any more"


class NoDirectUpload(Conflict):
    code = "no_direct_upload"
    title = "The file store has no direct upload"


class FormatNotInstalled(Conflict):
    code = "format_not_installed"
    title = "The server cannot write this format"


class LimitReached(Conflict):
    code = "limit_reached"
    title = "A limit is reached"


class CursorExpired(CollabError):
    """`next_cursor`: from where to go on once the state has been fetched."""

    code = "cursor_expired"
    status = 410
    close_code = 4409
    title = "Too old to go on from"

    def __init__(self, detail: str = "", next_cursor: str = "") -> None:
        super().__init__(detail)
        self.next_cursor = next_cursor

    @property
    def members(self) -> dict[str, str]:
        return {"next_cursor": self.next_cursor}


class PreconditionFailed(CollabError):
    code = "precondition_failed"
    status = 412
    close_code = 4409
    title = "Changed meanwhile"


class BaseUnknown(PreconditionFailed):
    code = "base_unknown"
    title = "Read it again: your version is not known any more"


class TooLarge(CollabError):
    code = "too_large"
    status = 413
    close_code = 1009
    title = "Too large"


class MessageTooLarge(TooLarge):
    """Sending it again is of no use: 4413 keeps stock y-websocket clients from doing so for ever."""

    code = "message_too_large"
    close_code = 4413
    title = "Too much in one message"


class QuotaExceeded(TooLarge):
    code = "quota_exceeded"
    title = "The workspace's storage is full"


class UnsupportedMediaType(CollabError):
    code = "unsupported_media_type"
    status = 415
    close_code = 4400
    title = "Not a kind that is taken here"


class TypeNotAllowed(UnsupportedMediaType):
    code = "type_not_allowed"
    title = "The workspace takes no files of this type"


class RangeBeyondEnd(CollabError):
    code = "range_beyond_end"
    status = 416
    close_code = 4400
    title = "The range begins behind the end"


class UnprocessableContent(CollabError):
    code = "unprocessable"
    status = 422
    close_code = 4400
    title = "Not acceptable"


class TooMuchWork(UnprocessableContent):
    code = "too_much_work"
    title = "This takes too much work"


class MalwareFound(UnprocessableContent):
    code = "malware_found"
    title = "The file has malware"


class TooMany(CollabError):
    """`retry_after`: seconds."""

    code = "too_many"
    status = 429
    close_code = 4529
    title = "Too many; try again later"

    def __init__(self, detail: str = "", *, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class InsufficientStorage(CollabError):
    code = "insufficient_storage"
    status = 507
    close_code = 1013
    title = "No space is left for this"


class Unavailable(CollabError):
    code = "unavailable"
    status = 503
    close_code = 1013
    title = "Try again later"


class LostRace(Unavailable):
    """A serialization failure or a deadlock: nothing was done. Routes are run again (web/routes.py)."""

    code = "lost_race"


class DocumentBlocked(Unavailable):
    """Another transaction has locked the document for too long. The server keeps its edits and tries again."""

    code = "document_blocked"


class ProviderUnavailable(Unavailable):
    code = "provider_unavailable"
    title = "The sign-in provider does not answer"


class StoreUnavailable(Unavailable):
    code = "storage_unavailable"
    title = "The file store does not answer"


class ScannerUnavailable(Unavailable):
    code = "scanner_unavailable"
    title = "The malware scanner does not answer"


class DocumentDamaged(CollabError):
    """Stored bytes do not match their checksum, are missing, or cannot be merged: the server's fault."""

    code = "damaged_document"
    title = "This document is damaged"


class ConfigurationError(CollabError):
    code = "configuration"
    title = "Configuration error"
