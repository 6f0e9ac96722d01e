"""The services of attachments: built together, because each needs the file store."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import HTTPConnection

from collab_server.adapters.conversion.converters import Converters
from collab_server.adapters.object_store import ObjectStore
from collab_server.adapters.postgres import Database
from collab_server.features.attachments.checks.checks import FileChecks
from collab_server.features.attachments.checks.malware import MalwareCheck
from collab_server.features.attachments.cleaning import ObjectCleaner
from collab_server.features.attachments.file_keeper import FileKeeper
from collab_server.features.attachments.signing import AttachmentUrls
from collab_server.features.attachments.texts.reading import AttachmentTexts
from collab_server.features.attachments.thumbnails import Thumbnails
from collab_server.features.attachments.with_document.adding import FileAdder
from collab_server.features.attachments.with_document.copying import AttachmentCopier
from collab_server.features.attachments.writers import ObjectWriters
from collab_server.settings import Settings
from collab_server.web.services import WebServices


@dataclass(frozen=True, slots=True)
class AttachmentParts:
    """The parts of one process."""

    store: ObjectStore
    writers: ObjectWriters
    thumbnails: Thumbnails
    texts: AttachmentTexts
    keeper: FileKeeper
    copier: AttachmentCopier
    adder: FileAdder
    cleaner: ObjectCleaner
    urls: AttachmentUrls
    malware: MalwareCheck

    @classmethod
    def build(cls, settings: Settings, db: Database, converters: Converters) -> "AttachmentParts":
        """Raises ConfigurationError for a wrong COLLAB_STORAGE_URL or COLLAB_CLAMD_ADDRESS."""
        store = ObjectStore.open(settings.storage_url, settings.files_dir)
        writers = ObjectWriters(db, store.bucket)
        thumbnails = Thumbnails(db, store, writers, converters)
        malware = MalwareCheck(db, settings.clamd_address)
        checks = FileChecks(db, malware, settings.max_attachment_bytes)
        texts = AttachmentTexts(db, store, converters, enabled=settings.search_attachments)

        def on_added() -> None:
            thumbnails.wake.set()
            texts.wake.set()

        keeper = FileKeeper(db, store, writers, on_added, checks)
        copier = AttachmentCopier(db, store, writers, on_added)
        adder = FileAdder(db, store, writers, on_added, checks)
        cleaner, urls = ObjectCleaner(db, store), AttachmentUrls(settings.secret(), settings.cdn_url)
        return cls(store, writers, thumbnails, texts, keeper, copier, adder, cleaner, urls, malware)

    def tasks(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """Return what runs until cancelled."""
        return self.writers.run(), self.thumbnails.run(), self.texts.run(), self.cleaner.run()


class AttachmentServices(WebServices, Protocol):
    """Attributes of collab_server.services.Services."""

    attachments: AttachmentParts
    converters: Converters


def attachment_services(connection: HTTPConnection) -> AttachmentServices:
    """Return the services of the process that serves this request."""
    services: AttachmentServices = connection.state.services
    return services
