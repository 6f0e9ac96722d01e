"""COLLAB_STORAGE_URL: the folder or bucket that it names."""

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from collab_server.adapters.object_store.bucket import Bucket
from collab_server.adapters.object_store.folder import Folder
from collab_server.adapters.object_store.objects import Backend, check_key
from collab_server.errors import ConfigurationError
from collab_server.settings.cloud import CloudVariables

if TYPE_CHECKING:
    from obstore.store import AzureConfig, ClientConfig, RetryConfig, S3Config

NAME = "COLLAB_STORAGE_URL"
PARAMETERS = {"s3": {"endpoint", "region"}, "gs": set(), "az": {"account", "endpoint"}, "file": set()}
_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}")
_WORD = re.compile(r"[A-Za-z0-9-]{1,64}")
# Four attempts within 20 s: a step ends before its time limit, with its reason.
_RETRY: "RetryConfig" = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2},
}
_READ_TIMEOUT = timedelta(seconds=30)
# `timeout` covers a whole answer with its body. The default of 30 s would end a slow download.
_REQUEST_TIMEOUT = timedelta(days=1)


def open_backend(url: str, default_folder: Path) -> tuple[Backend, str, str | None]:
    """Return the folder or bucket, its name and its region. Raises ConfigurationError, which repeats no part of the
    address.
    """
    if not url:
        return Folder(default_folder), f"file:{default_folder.name}", None
    try:
        parts = urlsplit(url)
        if parts.scheme not in PARAMETERS or parts.fragment:
            raise ValueError
        if "@" in parts.netloc:
            raise ConfigurationError(f"{NAME} must not have credentials: they belong in the environment")
        parameters = _read_parameters(parts)
        if parts.scheme == "file":
            return _open_folder(parts)
        return _open_bucket(parts, parameters)
    except ValueError:
        raise ConfigurationError(
            f"{NAME} must look like s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or file:///folder"
        ) from None


def _open_folder(parts: SplitResult) -> tuple[Backend, str, str | None]:
    folder = Path(unquote(parts.path))
    if parts.netloc not in ("", "localhost") or not folder.is_absolute() or not folder.name or "\0" in str(folder):
        raise ValueError
    return Folder(folder), f"file:{folder.name}", None


def _open_bucket(parts: SplitResult, parameters: dict[str, str]) -> tuple[Backend, str, str | None]:
    bucket, path = parts.netloc, parts.path.strip("/")
    if not _BUCKET.fullmatch(bucket):
        raise ValueError
    prefix = check_key(path) if path else None
    variables = CloudVariables.read(parts.scheme)
    endpoint = parameters.get("endpoint", "")
    client: ClientConfig = {"read_timeout": _READ_TIMEOUT, "timeout": _REQUEST_TIMEOUT}
    # obstore does not read these variables where it is given other client options.
    if variables.allow_http or endpoint.startswith("http:"):
        client["allow_http"] = True
    if variables.proxy_url:
        client["proxy_url"] = variables.proxy_url
    store: S3Store | GCSStore | AzureStore
    region = None
    try:
        if parts.scheme == "s3":
            region = parameters.get("region") or variables.region
            s3: S3Config = {"region": region}
            if endpoint:
                s3["endpoint"] = endpoint
            store = S3Store(bucket, prefix=prefix, config=s3, client_options=client, retry_config=_RETRY)
        elif parts.scheme == "gs":
            store = GCSStore(bucket, prefix=prefix, client_options=client, retry_config=_RETRY)
        else:
            azure: AzureConfig = {}
            if "account" in parameters:
                azure["account_name"] = parameters["account"]
            if endpoint:
                azure["endpoint"] = endpoint
            store = AzureStore(bucket, prefix=prefix, config=azure, client_options=client, retry_config=_RETRY)
    except (BaseError, OSError):
        raise ConfigurationError(
            f"{NAME}: the credentials in the environment are incomplete or cannot be read: {_CREDENTIALS[parts.scheme]}"
        ) from None
    return Bucket(store), bucket, region


def _read_parameters(parts: SplitResult) -> dict[str, str]:
    """Check what obstore would ignore or panic at. Raises ConfigurationError and ValueError."""
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    parameters = dict(pairs)
    known = PARAMETERS[parts.scheme]
    if not parameters.keys() <= known or len(parameters) < len(pairs):
        names = " and ".join(sorted(known)) or "none"
        raise ConfigurationError(f"{NAME}: parameters of {parts.scheme}:// are {names}, each once")
    for name, value in parameters.items():
        if not (_is_endpoint(value) if name == "endpoint" else _WORD.fullmatch(value)):
            raise ConfigurationError(f"{NAME}: the parameter {name} is not one")
    return parameters


def _is_endpoint(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return (
            parts.scheme in ("http", "https")
            and re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", parts.netloc) is not None
            and parts.port != 0
            and re.fullmatch(r"[A-Za-z0-9._/-]*", parts.path) is not None
            and not parts.query
            and not parts.fragment
        )
    except ValueError:
        return False
