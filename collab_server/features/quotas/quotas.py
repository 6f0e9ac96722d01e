"""Limits of new documents: by workspace, and by person and minute."""

import math
from dataclasses import dataclass
from uuid import UUID

from collab_server.access.check import ABSENT
from collab_server.access.identity import Identity
from collab_server.adapters.postgres import Conn
from collab_server.adapters.rates import LocalBuckets, Rate
from collab_server.errors import LimitReached, NotFound, QuotaExceeded, TooMany
from collab_server.features.quotas import queries as quota_queries
from collab_server.settings import Settings

FULL = "the workspace's storage is full: delete documents permanently, or ask an administrator for a higher limit"
FULL_FOR_VERSIONS = (
    "the workspace's storage is full: delete versions or documents permanently, or ask an administrator for a higher "
    "limit"
)


async def check_version(conn: Conn, document_id: UUID) -> None:
    """Whether a version may be kept that maintenance does not remove. `conn`: under app_service. Raises
    QuotaExceeded.
    """
    if not await quota_queries.has_space_for_versions(conn, document_id):
        raise QuotaExceeded(FULL_FOR_VERSIONS)


class Quotas:
    """Counts in memory: each process on its own. `paced`: whether creations in a minute are counted at all."""

    def __init__(self, settings: Settings, *, paced: bool = True) -> None:
        self.settings = settings
        self._paced = paced
        self._buckets = LocalBuckets()

    def creations_from(self, address: str) -> "Creations":
        """Return the counter for requests from this IP address. Guests are counted by address."""
        return Creations(self, address)

    def check_pace(self, person: str, per_minute: float, burst: int) -> None:
        """Raises TooMany, with the seconds until the next document is allowed."""
        if not self._paced:
            return
        taken = self._buckets.take_now(person, Rate(per_minute / 60, burst))
        if not taken.allowed:
            wait = math.ceil(taken.until_next)
            raise TooMany(f"too many new documents: try again in {wait} s", retry_after=wait)

    async def check_count(self, conn: Conn, workspace_id: UUID, size: int) -> None:
        """Check the limits for one more document of `size` bytes. Raises NotFound, LimitReached, QuotaExceeded.

        Concurrent calls do not see each other, so a workspace can exceed its limits by the number of concurrent
        creations.
        """
        usage = await quota_queries.find_usage(conn, workspace_id)
        if usage is None:
            raise NotFound(ABSENT)
        settings = self.settings
        playground = usage.kind == "playground"
        most = settings.max_playground_documents if playground else settings.max_documents_per_workspace
        if usage.documents >= most:
            raise LimitReached(f"a workspace has at most {most} documents, with those in its trash")
        if usage.used + max(1, size) > usage.limit:
            raise QuotaExceeded(FULL)


@dataclass(frozen=True, slots=True)
class Creations:
    """The quotas as they concern one request or socket."""

    quotas: Quotas
    address: str

    async def take(self, conn: Conn, identity: Identity, workspace_id: UUID, size: int = 0) -> None:
        """Count a new document before its creation; `size`: bytes of its content. `conn`: a transaction of the user.
        Raises TooMany, NotFound, LimitReached, QuotaExceeded.
        """
        settings = self.quotas.settings
        if identity.user_id is None:
            person = f"guest {self.address}"
            rate, burst = settings.guest_creations_per_minute, settings.guest_creation_burst
        else:
            person, rate, burst = str(identity.user_id), settings.creations_per_minute, settings.creation_burst
        self.quotas.check_pace(person, rate, burst)
        await self.quotas.check_count(conn, workspace_id, size)

    async def check_move(self, conn: Conn, workspace_id: UUID, document_id: UUID) -> None:
        """Whether the workspace may take in a document of another one. Raises as `Quotas.check_count`."""
        size = await quota_queries.find_size(conn, document_id)
        size += await quota_queries.find_attachment_size(conn, document_id)
        await self.quotas.check_count(conn, workspace_id, size)

    async def check_encrypted(self, conn: Conn, workspace_id: UUID, document_id: UUID, size: int) -> None:
        """Whether the encrypted content of a document may take `size` bytes. Raises QuotaExceeded."""
        growth = size - await quota_queries.find_size(conn, document_id)
        usage = await quota_queries.find_usage(conn, workspace_id)
        if growth > 0 and usage is not None and usage.used + growth > usage.limit:
            raise QuotaExceeded(FULL)
