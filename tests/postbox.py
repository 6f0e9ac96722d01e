"""A real SMTP server for tests, which keeps what it takes."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from tests.server import free_port


class Postbox:
    """`refuse`: addresses that it does not take mail for. `logins`: accepted user names and passwords."""

    def __init__(self) -> None:
        self.port = free_port()
        self.envelopes: list[tuple[str, list[str]]] = []
        self.messages: list[EmailMessage] = []
        self.refuse: set[str] = set()
        self.logins: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def to(self, address: str) -> list[EmailMessage]:
        return [m for m, (_, recipients) in zip(self.messages, self.envelopes, strict=True) if address in recipients]

    async def handle_RCPT(self, _server: Any, _session: Session, envelope: Envelope, address: str, _: Any) -> str:
        if address in self.refuse:
            return "550 nobody of this name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes) and envelope.mail_from is not None
        message = message_from_bytes(content, policy=default)
        assert isinstance(message, EmailMessage)
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        self.messages.append(message)
        return "250 taken"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        login = (given.login.decode(), given.password.decode())
        self.logins.append(login)
        return AuthResult(success=login == ("ann", "p@ss/word"), handled=False)


@contextmanager
def postbox(tls: ssl.SSLContext | None = None, *, login: bool = False) -> Iterator[Postbox]:
    """`tls`: STARTTLS is demanded. `login`: so is AUTH, which takes ann / p@ss/word."""
    box = Postbox()
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=box.port,
        tls_context=tls,
        require_starttls=tls is not None,
        authenticator=box.authenticate if login else None,
        auth_required=login,
        auth_require_tls=False,
        enable_SMTPUTF8=True,
    )
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
