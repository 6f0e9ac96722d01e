"""Mail over SMTP. One short text message at a time; sending runs in threads of its own, never in the event loop."""

import asyncio
import re
import smtplib
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr
from typing import Literal
from urllib.parse import unquote, urlsplit

from collab_server.errors import ConfigurationError, Unavailable, UnprocessableContent
from collab_server.observability.logging import log
from collab_server.settings import is_loopback

TIMEOUT = 10.0
THREADS = 4
MAX_WAITING = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailServer:
    """`security`: TLS from the first byte, by STARTTLS, or none."""

    host: str
    port: int
    user: str
    password: str
    security: Literal["tls", "starttls", "none"]


def read_url(url: str) -> MailServer:
    """`smtp://user:password@host:587` (STARTTLS; none where the host is this machine, or with `?starttls=no`), or
    `smtps://user:password@host:465`. Raises ConfigurationError, which does not repeat the password.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError
        port = parts.port or _PORTS[parts.scheme]
        if parts.query not in ("", "starttls=no") or (parts.query and parts.scheme == "smtps"):
            raise ValueError
    except ValueError:
        raise ConfigurationError(
            "COLLAB_SMTP_URL must look like smtp://user:password@host:587 or smtps://user:password@host:465"
        ) from None
    security: Literal["tls", "starttls", "none"] = "starttls"
    if parts.scheme == "smtps":
        security = "tls"
    elif is_loopback(parts.hostname) or parts.query:
        security = "none"
    return MailServer(parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""), security)


class Mailer:
    """`url`, `sender`: COLLAB_SMTP_URL and COLLAB_MAIL_FROM. Without a URL nothing is `configured`. `timeout`: seconds
    for each step of the conversation with the mail server.
    """

    def __init__(self, url: str, sender: str, *, timeout: float = TIMEOUT) -> None:
        """Raises ConfigurationError."""
        self._timeout = timeout
        self._server = read_url(url) if url else None
        self._sender = _sender(sender) if url else None
        self._threads = ThreadPoolExecutor(THREADS, "mail")
        self._waiting = 0

    @property
    def configured(self) -> bool:
        return self._server is not None

    def make_id(self, name: str) -> str:
        """Return a Message-ID of this server's domain, equal for equal names."""
        return f"<{name}@{self._sender.domain if self._sender else 'localhost'}>"

    async def send(
        self, to: str, subject: str, text: str, *, html: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Hand one message over to the mail server; returns when that has taken it. `html`: the same as HTML.

        Raises UnprocessableContent where the address cannot get mail, Unavailable where the mail server cannot be
        reached, refuses, or where too many messages wait.
        """
        if self._server is None:
            raise Unavailable("this server sends no mail: its operator has set no COLLAB_SMTP_URL")
        message = self.compose(to, subject, text, html=html, headers=headers)
        if self._waiting >= MAX_WAITING:
            raise Unavailable("too many messages wait for the mail server")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._threads, _deliver, self._server, message, self._timeout)
        except smtplib.SMTPRecipientsRefused as error:
            raise UnprocessableContent("the mail server does not take mail for this address") from error
        except (smtplib.SMTPException, OSError) as error:  # SSLError is an OSError
            log.warning("a message was not sent", extra={"mail_server": self._server.host, "reason": _reason(error)})
            raise Unavailable("the mail could not be sent now") from error
        finally:
            self._waiting -= 1

    def compose(
        self, to: str, subject: str, text: str, *, html: str | None = None, headers: Mapping[str, str] | None = None
    ) -> EmailMessage:
        """The message. `headers`: further ones, and perhaps the Message-ID. Line breaks in headers become spaces:
        none gets a second line from outside.

        Raises UnprocessableContent for what is not exactly one address.
        """
        message = EmailMessage(policy=SMTP)
        message["From"] = self._sender
        message["To"] = _recipient(to)
        message["Subject"] = " ".join(_CONTROL.sub(" ", subject).split())
        message["Date"] = formatdate()
        for name, value in {"Message-ID": self._new_id(), **(headers or {})}.items():
            message[name] = _CONTROL.sub(" ", value)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        if html is not None:
            message.add_alternative(html, subtype="html")
        return message

    def _new_id(self) -> str:
        return make_msgid(domain=self._sender.domain if self._sender else None)

    def close(self) -> None:
        """Messages that no thread has begun are dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _sender(given: str) -> Address:
    name, address = parseaddr(given)
    try:
        if not address or _CONTROL.search(given):
            raise ValueError
        return Address(name, addr_spec=address)
    except (ValueError, MessageError, IndexError):
        raise ConfigurationError(
            "COLLAB_MAIL_FROM must be an address such as collab@example.org or Collab <collab@example.org>"
        ) from None


def _recipient(given: str) -> Address:
    try:
        if _CONTROL.search(given):
            raise ValueError
        address = Address(addr_spec=given)
        if not address.domain.isascii():
            address = Address("", address.username, address.domain.encode("idna").decode())
        if not address.username or not address.domain:
            raise ValueError
    except (ValueError, MessageError, IndexError):
        raise UnprocessableContent("this is not an address that mail can be sent to") from None
    return address


def _deliver(server: MailServer, message: EmailMessage, timeout: float) -> None:
    context = ssl.create_default_context()
    connection: smtplib.SMTP
    if server.security == "tls":
        connection = smtplib.SMTP_SSL(server.host, server.port, timeout=timeout, context=context)
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=timeout)
    with connection:
        if server.security == "starttls":
            connection.starttls(context=context)
        if server.user:
            connection.login(server.user, server.password)
        connection.send_message(message)


def _reason(error: Exception) -> str:
    """Describe the error for the log: an SMTP status or the error's class. A server's text may repeat credentials."""
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {code}" if code else f"{type(error).__name__} {error.args[:1]}"[:200]
