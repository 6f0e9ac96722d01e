"""Mail, sent to a real SMTP server."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from collab_server.adapters.mail import Mailer, MailServer, read_url
from collab_server.errors import ConfigurationError, Unavailable, UnprocessableContent
from tests.postbox import Postbox, postbox
from tests.server import free_port

SENDER = "Collab Docs <collab@example.org>"


@pytest.fixture(scope="module")
def box() -> Iterator[Postbox]:
    with postbox() as running:
        yield running


async def test_a_message_arrives_as_it_was_written(box: Postbox) -> None:
    await Mailer(box.url, SENDER).send("zoe@example.net", "Grüße an Zoë", "Hällo\n\nhttps://x.example/a?b=c\n")
    (message,) = box.to("zoe@example.net")
    assert box.envelopes[-1][0] == "collab@example.org"
    assert (message["from"], message["to"], message["subject"]) == (SENDER, "zoe@example.net", "Grüße an Zoë")
    assert message.get_content().replace("\r\n", "\n") == "Hällo\n\nhttps://x.example/a?b=c\n"
    assert message["message-id"].endswith("@example.org>") and message["date"]


async def test_no_header_and_no_recipient_comes_from_a_subject_or_an_address(box: Postbox) -> None:
    mailer = Mailer(box.url, SENDER)
    await mailer.send(
        "sam@example.net", "Hi\r\nBcc: eve@example.net\n\nbody\u2028x", "text\r\n.\r\nMAIL FROM:<x@y>\r\n"
    )
    (message,) = box.to("sam@example.net")
    assert message["bcc"] is None
    assert message["subject"] == "Hi Bcc: eve@example.net body x"
    assert "MAIL FROM:<x@y>" in message.get_content()
    before = len(box.messages)
    for address in (
        "a@example.net\r\nBcc: eve@example.net",
        "a@example.net, eve@example.net",
        "a,eve@example.net",
        "Ann <ann@example.net>",
        "ann@example.net>",
        "<ann@example.net",
        "a b@example.net",
        "ann",
        "@example.net",
        "ann@",
        "",
        "a@b@c",
        "a\x00@example.net",
        "undisclosed:;",
    ):
        with pytest.raises(UnprocessableContent):
            await mailer.send(address, "Hi", "text")
    assert len(box.messages) == before
    assert not box.to("eve@example.net")


async def test_domains_beyond_ascii_get_mail(box: Postbox) -> None:
    await Mailer(box.url, SENDER).send("zoe@bücher.example", "Hi", "text")
    assert box.to("zoe@xn--bcher-kva.example")


async def test_what_cannot_be_delivered_is_said_in_its_own_way(box: Postbox) -> None:
    box.refuse.add("gone@example.net")
    with pytest.raises(UnprocessableContent, match="does not take mail for this address"):
        await Mailer(box.url, SENDER).send("gone@example.net", "Hi", "text")
    with pytest.raises(Unavailable):
        await Mailer(f"smtp://127.0.0.1:{free_port()}", SENDER).send("ann@example.net", "Hi", "text")
    mailer = Mailer("", "")
    assert not mailer.configured
    with pytest.raises(Unavailable, match="COLLAB_SMTP_URL"):
        await mailer.send("ann@example.net", "Hi", "text")


async def test_a_mail_server_that_hangs_does_not_hold_up_the_loop() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        mailer = Mailer(f"smtp://127.0.0.1:{silent.getsockname()[1]}", SENDER, timeout=600.0)
        sending = asyncio.create_task(mailer.send("ann@example.net", "Hi", "text"))
        # Only a loop that runs accepts the connection. The mailer then waits for a greeting.
        connection, _ = await asyncio.get_running_loop().sock_accept(silent)
        assert not sending.done()
        connection.close()
        with pytest.raises(Unavailable):
            await sending


async def test_a_mail_server_that_hangs_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unavailable):
        mailer = Mailer(f"smtp://127.0.0.1:{silent.getsockname()[1]}", SENDER, timeout=0.05)
        await mailer.send("ann@example.net", "Hi", "text")


async def test_a_login_is_used_and_a_wrong_one_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with postbox(login=True) as box:
        host = f"127.0.0.1:{box.port}"
        await Mailer(f"smtp://ann:p%40ss%2Fword@{host}", SENDER).send("bo@example.net", "Hi", "text")
        assert box.to("bo@example.net") and box.logins == [("ann", "p@ss/word")]
        with pytest.raises(Unavailable) as raised:
            await Mailer(f"smtp://ann:other-secret@{host}", SENDER).send("bo@example.net", "Hi", "text")
    assert "other-secret" not in str(raised.value) + caplog.text
    assert "SMTPAuthenticationError 535" in str([record.__dict__.get("reason") for record in caplog.records])


async def test_starttls_is_demanded_and_the_certificate_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = _certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    # This machine under a name that is not known to be this machine.
    monkeypatch.setattr("collab_server.adapters.mail.is_loopback", lambda host: False)
    with postbox() as plain:
        with pytest.raises(Unavailable):
            await Mailer(plain.url, SENDER).send("bo@example.net", "Hi", "text")
        await Mailer(f"{plain.url}/?starttls=no", SENDER).send("bo@example.net", "Hi", "text")
        assert len(plain.messages) == 1
    with postbox(tls) as box:
        with pytest.raises(Unavailable):
            await Mailer(box.url, SENDER).send("bo@example.net", "Hi", "text")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        await Mailer(box.url, SENDER).send("bo@example.net", "Hi", "text")
        assert len(box.messages) == 1


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    path = folder / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


def test_urls_are_read() -> None:
    assert read_url("smtp://a%40b:p%3Aw@mail.example") == MailServer("mail.example", 587, "a@b", "p:w", "starttls")
    assert read_url("smtps://mail.example") == MailServer("mail.example", 465, "", "", "tls")
    assert read_url("smtp://localhost:25") == MailServer("localhost", 25, "", "", "none")
    assert read_url("smtp://mail.example:1025/?starttls=no").security == "none"


@pytest.mark.parametrize(
    "url",
    ["mail.example", "http://mail.example", "smtp://", "smtp://h:port", "smtp://h:99999", "smtp://h/x", "smtp://h?x"],
)
def test_a_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match="COLLAB_SMTP_URL"):
        Mailer(url, SENDER)


@pytest.mark.parametrize("sender", ["", "Collab", "a@b\nBcc: c@d", "a b@c", "@"])
def test_a_sender_that_is_none_is_refused(sender: str) -> None:
    with pytest.raises(ConfigurationError, match="COLLAB_MAIL_FROM"):
        Mailer("smtp://mail.example", sender)
