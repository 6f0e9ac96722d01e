"""Settings: the only reader of the environment. Every field is an environment variable COLLAB_<NAME>, or a line of
.env.

`collab-server serve --help` prints each field's description; README lists them; a test keeps the three alike.
"""

import ipaddress
import json
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_data_path
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from collab_server.errors import ConfigurationError

PREFIX = "COLLAB_"
SHORTEST_SECRET = 16
"""Characters of a signing key."""
GuestRole = Literal["none", "viewer", "commenter", "editor"]


def _several(given: object) -> object:
    """A list, or one written as JSON or with commas."""
    if not isinstance(given, str):
        return given
    if given.lstrip().startswith("["):
        try:
            return json.loads(given)
        except ValueError:
            raise ValueError("is neither a JSON list nor names with commas") from None
    return [one.strip() for one in given.split(",") if one.strip()]


def _networks(given: list[str]) -> list[str]:
    """Raises ValueError for what is no address or network."""
    return [str(ipaddress.ip_network(one, strict=False)) for one in given]


class Settings(BaseSettings):
    """All settings, validated. Times in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True)

    host: Annotated[str, Field(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="TCP port to listen on; 0 takes a free one.")] = 8000
    data_dir: Annotated[
        Path,
        Field(description="Folder of the embedded PostgreSQL and of the generated secret key."),
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
    guest_role: Annotated[
        GuestRole | Literal[""],
        Field(
            description="What people who are not signed in may do in the playground workspace: none, viewer, commenter "
            "or editor. Empty: editor while HOST is loopback and DATABASE_URL is empty, none otherwise."
        ),
    ] = ""
    default_workspace: Annotated[
        str, Field(min_length=1, description="Slug of the workspace in which a bare document name is looked up.")
    ] = "playground"
    allowed_origins: Annotated[
        list[str],
        Field(
            description='Origins of other web pages that may act as guests, as JSON: ["https://app.example"]; '
            '["*"]: all. Pages of this server may always; on loopback, all pages of this machine.'
        ),
    ] = Field(default_factory=list)
    public_url: Annotated[
        str,
        Field(
            pattern=r"^$|^https?://[^/?#\s@]+/?$",
            description="Where browsers reach this server, e.g. https://docs.example. Links in mails begin with it; "
            "https makes the session cookie Secure. Empty: http://HOST:PORT.",
        ),
    ] = ""
    allowed_hosts: Annotated[
        list[str],
        NoDecode,
        BeforeValidator(_several),
        Field(
            description="Names by which the server may be addressed (Host header), as JSON or with commas; * for all. "
            "The host of PUBLIC_URL, HOST, hosts of ALLOWED_ORIGINS, loopback names and IP addresses always are. "
            "Empty: no others where HOST is loopback or PUBLIC_URL is set, else all."
        ),
    ] = Field(default_factory=list)
    trusted_proxies: Annotated[
        list[str],
        NoDecode,
        BeforeValidator(_several),
        AfterValidator(_networks),
        Field(
            description="Addresses and networks of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are "
            "believed, as JSON or with commas: 10.0.0.0/8, ::1. Empty: none; people behind a proxy are one address."
        ),
    ] = Field(default_factory=list)
    metrics_host: Annotated[str, Field(description="Address of METRICS_PORT.")] = "127.0.0.1"
    metrics_port: Annotated[
        int,
        Field(
            ge=0,
            le=65535,
            description="A port of its own for /metrics and /health, without credential; PORT then has no /metrics. "
            "0: none.",
        ),
    ] = 0
    metrics_token: Annotated[
        SecretStr,
        Field(
            description="Bearer token that /metrics on PORT asks for. Empty: it answers this machine only, and nothing "
            "that came through a proxy."
        ),
    ] = SecretStr("")
    registration: Annotated[
        Literal["closed", "invited", "open"],
        Field(description="Who may make an account: nobody, people with an invitation, everybody."),
    ] = "invited"
    session_days: Annotated[float, Field(gt=0, le=400, description="Days after which people sign in anew.")] = 30.0
    admin_email: Annotated[
        str, Field(min_length=3, max_length=320, description="The first administrator, made at the first start.")
    ] = "admin@localhost"

    oidc_issuer: Annotated[
        str, Field(description="Issuer URL of an OpenID Connect provider, exactly as it calls itself. Empty: none.")
    ] = ""
    oidc_client_id: Annotated[
        str, Field(description="What the provider calls this server. Empty: no sign-in in the browser.")
    ] = ""
    oidc_client_secret: Annotated[
        SecretStr, Field(description="The provider's secret for this client. Empty: a public client (PKCE only).")
    ] = SecretStr("")
    oidc_audience: Annotated[
        str,
        Field(description="Programs may use the provider's access tokens (JWT) that name this audience. Empty: none."),
    ] = ""
    oidc_name: Annotated[str, Field(description="What the sign-in button calls the provider.")] = "single sign-on"
    oidc_scopes: Annotated[str, Field(description="Scopes to ask the provider for.")] = "openid email profile"
    oidc_provision: Annotated[
        bool, Field(description="Whether people whom the provider knows and this server does not get a user.")
    ] = True
    oidc_trust_email: Annotated[
        bool,
        Field(
            description="Take the provider's e-mail addresses as verified where it does not say. Only where it belongs "
            "to your organisation and lets nobody choose an address."
        ),
    ] = False

    max_message_bytes: Annotated[
        int,
        Field(ge=1024, le=16_000_000, description="Largest WebSocket message that needs no turn; see docs/limits.md."),
    ] = 10_000_000
    max_document_bytes: Annotated[
        int, Field(ge=65536, le=67_108_864, description="Largest encoded document; above it growth is refused.")
    ] = 64_000_000
    max_import_bytes: Annotated[
        int, Field(ge=65536, le=2_000_000_000, description="Largest file that is imported; kept on disk meanwhile.")
    ] = 200_000_000
    max_documents_per_workspace: Annotated[
        int, Field(ge=1, description="Documents one workspace may have, with those in its trash.")
    ] = 100_000
    max_playground_documents: Annotated[
        int, Field(ge=1, description="The same for the workspace in which guests write.")
    ] = 10_000
    creations_per_minute: Annotated[
        float, Field(gt=0, description="Documents that one person may make in a minute for long, in one process.")
    ] = 600.0
    creation_burst: Annotated[int, Field(ge=1, description="Documents that one person may make at once.")] = 5_000
    guest_creations_per_minute: Annotated[
        float, Field(gt=0, description="CREATIONS_PER_MINUTE for the guests of one IP address together.")
    ] = 60.0
    guest_creation_burst: Annotated[
        int, Field(ge=1, description="CREATION_BURST for the guests of one IP address together.")
    ] = 500
    max_spool_bytes: Annotated[
        int,
        Field(
            ge=1_000_000,
            description="Disk for all files that are imported or exported at a time, in the directory for temporary "
            "files; a quarter of it, or MAX_IMPORT_BYTES, for one person.",
        ),
    ] = 4_000_000_000
    max_connections: Annotated[int, Field(ge=1, description="Open WebSockets this process accepts.")] = 10_000
    max_connections_per_address: Annotated[
        int,
        Field(
            ge=1,
            description="Of these, from one address (IPv6: one /64 network). Addresses of this machine have no limit.",
        ),
    ] = 1_000
    signed_in_share: Annotated[
        float, Field(ge=0, le=1, description="Part of MAX_CONNECTIONS that is kept for people who are signed in.")
    ] = 0.2
    max_document_connections: Annotated[
        int, Field(ge=1, description="Open connections to one document; further ones are told to come back.")
    ] = 2_000
    rate_updates: Annotated[
        float,
        Field(
            gt=0,
            description="Messages a second one socket may send for long; beyond it closes 4529. Each 8 KB count as one "
            "more. All sockets of an address together may send 16 times as much.",
        ),
    ] = 1000.0
    rate_burst: Annotated[int, Field(ge=10, description="Messages one socket may send at once.")] = 10_000
    rate_requests: Annotated[
        int,
        Field(
            ge=0,
            description="API requests a minute of one user and of one token or session for long; ten times as many of "
            "one address. Beyond it 429. 0: no limit.",
        ),
    ] = 3000
    rate_requests_burst: Annotated[int, Field(ge=1, description="API requests of one user or token at once.")] = 1000
    rate_guest_requests: Annotated[
        int,
        Field(ge=1, description="API requests a minute of one address without credential; the burst in proportion."),
    ] = 1200
    max_unsaved_bytes: Annotated[
        int, Field(ge=65536, description="Edits held in memory while PostgreSQL is away; beyond it sockets close 1013.")
    ] = 64_000_000
    max_unsaved_seconds: Annotated[
        float, Field(gt=0, description="How long rooms go on while PostgreSQL is away; then sockets close 1013.")
    ] = 60.0

    access_recheck_seconds: Annotated[
        float,
        Field(
            gt=0,
            description="Changes of access count at once; where PostgreSQL's notices do not arrive (a pooler in "
            "transaction mode), after this time.",
        ),
    ] = 60.0
    feed_lag_seconds: Annotated[
        float,
        Field(
            gt=0,
            description="/health/ready says degraded, and names the session, where an open transaction has kept "
            "changes from the feed for longer.",
        ),
    ] = 300.0
    commit_interval: Annotated[
        float, Field(ge=0, le=1, description="Least time between the starts of two group commits.")
    ] = 0.012
    commit_shared_interval: Annotated[
        float,
        Field(ge=0, le=1, description="The same with Redis: the other servers have an edit after its commit."),
    ] = 0.004
    commit_quiet_interval: Annotated[
        float,
        Field(
            ge=0,
            le=10,
            description="COMMIT_INTERVAL while fewer than 12 edits wait, none of them for a request or another server.",
        ),
    ] = 0.05
    room_idle_seconds: Annotated[
        float, Field(gt=0, description="A room without edits folds its log and lets go of its bytes after this time.")
    ] = 3.0
    fold_updates: Annotated[int, Field(ge=2, description="Log rows after which a busy document is folded.")] = 500
    fold_bytes: Annotated[int, Field(ge=1024, description="Log bytes after which a busy document is folded.")] = 262_144
    fold_seconds: Annotated[
        float, Field(gt=0, description="Longest time that the stored text of a busy document stays behind its edits.")
    ] = 15.0
    ping_interval: Annotated[float, Field(gt=0, description="Time between WebSocket pings on a socket.")] = 20.0
    ping_timeout: Annotated[float, Field(gt=0, description="A socket without an answer to a ping is dead.")] = 20.0
    shutdown_grace: Annotated[
        float, Field(gt=0, description="On SIGTERM: time to commit every room and close every socket.")
    ] = 20.0
    drain_seconds: Annotated[
        float,
        Field(
            ge=0,
            le=600,
            description="On SIGTERM: time to serve on while /health/ready is red, for a proxy to notice; above the "
            "time between its checks.",
        ),
    ] = 0.0
    worker_processes: Annotated[
        int,
        Field(
            ge=1,
            le=64,
            description="Most processes of each kind (large updates, folds, edits and renderings by requests); they "
            "start when needed. With 1 a person's heavy work can hold up others'.",
        ),
    ] = 2

    smtp_url: Annotated[
        SecretStr,
        Field(
            description="Mail server: smtp://user:password@host:587 (STARTTLS, unless on this machine or with "
            "?starttls=no) or smtps://user:password@host:465. Empty: no mail; links are shown instead."
        ),
    ] = SecretStr("")
    mail_from: Annotated[
        str, Field(max_length=500, description="Sender of mails, such as Collab <collab@example.org>; with SMTP_URL.")
    ] = ""

    trash_days: Annotated[
        int, Field(ge=0, le=36500, description="Days that deleted documents and workspaces can be brought back.")
    ] = 30
    archive_days: Annotated[
        int,
        Field(ge=0, le=36500, description="Days that the archive keeps what left the trash, for an operator to find."),
    ] = 90
    activity_days: Annotated[
        int,
        Field(ge=1, le=36500, description="Days that the audit keeps who did what, sign-ins and failed ones included."),
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
    presence_seconds: Annotated[
        float,
        Field(
            ge=14,
            le=86400,
            description="Seconds after which lists show people no more whose server has vanished; those who leave go "
            "at once.",
        ),
    ] = 14.0
    sync_days: Annotated[
        int,
        Field(
            ge=1, le=3650, description="Days that the change feed goes back; clients away for longer fetch all anew."
        ),
    ] = 90

    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Least severe log record to write.")
    ] = "info"
    log_format: Annotated[
        Literal["auto", "json", "text"], Field(description="auto: text on a terminal, JSON lines elsewhere.")
    ] = "auto"

    @property
    def embedded(self) -> bool:
        return not self.database_url

    @property
    def effective_guest_role(self) -> GuestRole:
        """The guests' role after the rule for an empty GUEST_ROLE."""
        if self.guest_role:
            return self.guest_role
        return "editor" if self.embedded and is_loopback(self.host) else "none"

    @property
    def base_url(self) -> str:
        """Where browsers reach this server, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url.rstrip("/") or f"http://{host}:{self.port}"

    @property
    def largest_message(self) -> int:
        """Bytes of a message or body that holds a whole document, with what stands before the document."""
        return max(self.max_message_bytes, self.max_document_bytes + 65_536)

    def secret(self) -> bytes:
        """The signing key: SECRET_KEY, or the one generated into DATA_DIR (created on first use).

        Raises ConfigurationError where an external database is used without SECRET_KEY, as several servers must share
        it.
        """
        if given := self.secret_key.get_secret_value():
            if len(given) < SHORTEST_SECRET:
                raise ConfigurationError(f"COLLAB_SECRET_KEY is too short: give at least {SHORTEST_SECRET} characters")
            return given.encode()
        if not self.embedded:
            raise ConfigurationError("COLLAB_SECRET_KEY is required with COLLAB_DATABASE_URL")
        return _kept_secret(self.data_dir / "secret_key")


def _kept_secret(path: Path) -> bytes:
    """The key in this file; made first if there is none. A crash or a full disk leaves a whole file or none.

    Raises ConfigurationError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make_secret(path)
        key = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot keep the secret key in {path}: {error.strerror}") from error
    if len(key.strip()) < SHORTEST_SECRET:
        raise ConfigurationError(
            f"{path} holds no key of {SHORTEST_SECRET} characters or more: restore it from a backup, or delete it and "
            "a new one is made (connect tokens, and secrets that it encrypted, are lost with the old one)"
        )
    return key


def _make_secret(path: Path) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=".secret_key-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        # Another process may have made one at the same time: the first counts.
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


SHORT_SECRET = 32
"""Characters below which SECRET_KEY is taken with a warning."""


def is_loopback(host: str) -> bool:
    """Whether `host` can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load(**given: object) -> Settings:
    """Settings from the environment, .env and what the command line gave (None: not given).

    Raises ConfigurationError naming the variable and what is wrong with it, one fault a line.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        faults = "; ".join(f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(faults) from error
