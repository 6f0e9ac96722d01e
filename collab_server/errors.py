"""The errors of collab_server: born once, shown in three ways (HTTP problem, WebSocket close code, log line).

CollabError                     HTTP  close
|- Malformed                    400   4400   bytes or values that cannot be read
|- Unauthenticated              401   4401   no, wrong or expired credentials
|- Forbidden                    403   4403   known, but not allowed
|- NotFound                     404   4404   absent, or not yours to see: the same answer
|- Conflict                     409   4409   the state is not what the caller believed
|  `- StaleGeneration           409   4409   the client holds an older incarnation of the document
|- TooLarge                     413   1009   a message, body or document above its limit
|- UnprocessableContent         422   4400   well formed, but not acceptable
|- TooMany                      429   4529   a rate or number limit; come back later
|- Unavailable                  503   1013   the database or a worker cannot answer now; come back later
`- ConfigurationError           500   1011   the operator must act; the command prints one line and exits 1

Close codes 4400-4499 are final for stock y-websocket clients; every other code makes them come back.
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
    code = "unauthenticated"
    status = 401
    close_code = 4401
    title = "Authentication required"


class Forbidden(CollabError):
    code = "forbidden"
    status = 403
    close_code = 4403
    title = "Not allowed"


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


class TooLarge(CollabError):
    code = "too_large"
    status = 413
    close_code = 1009
    title = "Too large"


class UnprocessableContent(CollabError):
    code = "unprocessable"
    status = 422
    close_code = 4400
    title = "Not acceptable"


class TooMany(CollabError):
    code = "too_many"
    status = 429
    close_code = 4529
    title = "Too many; try again later"


class Unavailable(CollabError):
    code = "unavailable"
    status = 503
    close_code = 1013
    title = "Try again later"


class ConfigurationError(CollabError):
    code = "configuration"
    title = "Configuration error"
