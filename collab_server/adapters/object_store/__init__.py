"""Files by key: in a folder of this machine, or in a bucket of S3, Google Cloud Storage or Azure."""

from collab_server.adapters.object_store.objects import StoredObject
from collab_server.adapters.object_store.store import ObjectStore

__all__ = ["ObjectStore", "StoredObject"]
