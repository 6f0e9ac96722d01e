"""The checks of a file, together."""

from dataclasses import dataclass
from uuid import UUID

from collab_server.adapters.postgres import Database
from collab_server.features.attachments.checks.malware import MalwareCheck
from collab_server.features.quotas import queries as quota_queries
from collab_server.features.quotas.file_limits import FileLimits


@dataclass(frozen=True, slots=True)
class FileChecks:
    """`most`: bytes of a file, for the server."""

    db: Database
    malware: MalwareCheck
    most: int

    async def find_limits(self, workspace_id: UUID) -> FileLimits:
        """Return what files a workspace takes; the limits of the server for one that is gone."""
        async with self.db.as_service() as conn:
            return FileLimits.read(await quota_queries.find_settings(conn, workspace_id), self.most)
