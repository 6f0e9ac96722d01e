"""Settings of databases, keys and the time that data is kept."""

from pathlib import Path
from typing import Annotated

from platformdirs import user_data_path
from pydantic import BaseModel, Field, SecretStr


class StorageSettings(BaseModel):
    data_dir: Annotated[
        Path,
        Field(description="Folder of the embedded PostgreSQL, the generated secret key, and files."),
    ] = Field(default_factory=lambda: user_data_path("collab_server", appauthor=False))
    database_url: Annotated[
        str,
        Field(description="PostgreSQL 15 or newer (postgresql://...). Empty: an embedded PostgreSQL in DATA_DIR."),
    ] = ""
    owner_url: Annotated[
        str,
        Field(
            description="The database's owner, for `collab-server migrate` only: it makes the role that DATABASE_URL "
            "names, with its password, without rights of its own. Empty: DATABASE_URL is used as it is."
        ),
    ] = ""
    storage_url: Annotated[
        str,
        Field(
            description="Where files are kept: s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or "
            "file:///folder. Credentials are read from the variables of the cloud, such as AWS_ACCESS_KEY_ID. Empty: "
            "the folder `files` in DATA_DIR; several machines must share it."
        ),
    ] = ""
    clamd_address: Annotated[
        str,
        Field(
            description="clamd of ClamAV, which scans every file before it is kept: host:port or unix:/path. While it "
            "cannot answer, files are refused. Empty: files are not scanned."
        ),
    ] = ""
    redis_url: Annotated[
        str,
        Field(
            description="Redis that carries edits and presence between several servers on one DATABASE_URL "
            "(redis://user:password@host:6379/0; rediss://host:6379/0?ssl_ca_certs=/path/ca.pem for TLS; any node of a "
            "Redis Cluster). Empty: this is the only server."
        ),
    ] = ""
    redis_prefix: Annotated[str, Field(max_length=100, description="Precedes the names of the channels in Redis.")] = (
        "collab:"
    )
    secret_key: Annotated[
        SecretStr,
        Field(
            description="Signs connect tokens and the messages between several servers; 32 random characters or more. "
            "Empty: generated into DATA_DIR; required with DATABASE_URL."
        ),
    ] = SecretStr("")
    encryption_keys: Annotated[
        SecretStr,
        Field(
            description="Keys of secrets at rest: id:base64 of 32 bytes, newest first, with commas. Old ones stay "
            "until `collab-server secrets rotate` has run. Empty: a key derived from SECRET_KEY."
        ),
    ] = SecretStr("")
    trash_days: Annotated[
        int, Field(ge=0, le=36500, description="Days that deleted documents and workspaces can be brought back.")
    ] = 30
    archive_days: Annotated[
        int,
        Field(ge=0, le=36500, description="Days that the archive keeps what left the trash, for an operator to find."),
    ] = 90
    history_days: Annotated[
        int,
        Field(
            ge=0,
            le=36500,
            description="Days that the history tells who wrote what, and shows the content of any moment. Of older "
            "edits the content that they left stays. 0: for ever.",
        ),
    ] = 0
    history_document_bytes: Annotated[
        int,
        Field(
            ge=0,
            description="Compressed bytes of a document's history; an edit takes about 2.6. Of the oldest edits beyond "
            "it the content that they left stays. 0: no limit.",
        ),
    ] = 2_097_152
    activity_days: Annotated[
        int,
        Field(ge=1, le=36500, description="Days that the audit keeps who did what, sign-ins and failed ones included."),
    ] = 90
    notification_days: Annotated[
        int,
        Field(
            ge=1,
            le=3650,
            description="Days that notifications are kept after they were read or archived. Unread ones go after a "
            "year.",
        ),
    ] = 90
    session_cleanup_days: Annotated[
        int,
        Field(
            ge=0,
            le=36500,
            description="Days that the record of a session is kept after its expiry, for an operator to find; the "
            "secrets in it go within the hour.",
        ),
    ] = 30
    sync_days: Annotated[
        int,
        Field(
            ge=1, le=3650, description="Days that the change feed goes back; clients away for longer fetch all anew."
        ),
    ] = 90
