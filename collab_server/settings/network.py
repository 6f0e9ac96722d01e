"""Settings of addresses, host names and proxies."""

import ipaddress
import json
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode


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


class NetworkSettings(BaseModel):
    host: Annotated[str, Field(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="TCP port to listen on; 0 takes a free one.")] = 8000
    public_url: Annotated[
        str,
        Field(
            pattern=r"^$|^https?://[^/?#\s@]+/?$",
            description="Where browsers reach this server, e.g. https://docs.example. Links in mails begin with it; "
            "https makes the session cookie Secure. Empty: http://HOST:PORT.",
        ),
    ] = ""
    cdn_url: Annotated[
        str,
        Field(
            pattern=r"^$|^https?://[^/?#\s@]+/?$",
            description="A content delivery network that fetches from this server, e.g. https://cdn.example. "
            "Attachments get signed addresses there (`cdn_url`), and shared caches may keep what is at one until it "
            "expires. Empty: none.",
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
    allowed_origins: Annotated[
        list[str],
        Field(
            description='Origins of other web pages that may act as guests, as JSON: ["https://app.example"]; '
            '["*"]: all. Pages of this server may always; on loopback, all pages of this machine.'
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
