"""URLs that cannot be text are refused before any route; the rest of a request's origin is noted for the audit log."""

import asyncio
import json
from typing import Any
from urllib.parse import quote_from_bytes, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from collab_server.adapters.postgres import Caller, caller
from collab_server.web.middleware.headers import RequestDetails


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers what it was called with."""
    noted = caller.get()
    request = Request(scope)
    await JSONResponse(
        {
            "path": scope["path"],
            "query": dict(request.query_params),
            "caller": [noted.ip, noted.user_agent, noted.device_id, noted.client_version],
        }
    )(scope, receive, send)


def ask(path: bytes, query: bytes = b"", headers: list[tuple[bytes, bytes]] | None = None, client: Any = None) -> Any:
    """(status, body) for a request target as it came over the wire."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": unquote(path.decode("ascii"), errors="replace"),
        "raw_path": path,
        "query_string": query,
        "headers": headers or [],
        "client": client,
    }
    asyncio.run(RequestDetails(echo)(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.loads(body)


@given(st.binary(max_size=30), st.binary(max_size=30), st.booleans())
def test_a_url_is_text_without_nul_or_it_is_refused(path: bytes, query: bytes, quoted: bool) -> None:
    target = b"/" + quote_from_bytes(path).encode()
    sent_query = quote_from_bytes(query).encode() if quoted else quote_from_bytes(query, safe="%&=+;").encode()
    status, body = ask(target, b"q=" + sent_query)
    try:
        good = b"\x00" not in path + query and bool((path.decode(), query.decode()))
    except UnicodeDecodeError:
        good = False
    if quoted or b"%" not in query:
        assert status == (200 if good else 400)
    if status == 200 and (quoted or not set(query) & set(b"%&=+;")):
        assert (body["path"], body["query"].get("q", "")) == ("/" + path.decode(), query.decode())
    if status == 400:
        assert body["code"] == "malformed"


@pytest.mark.parametrize(
    ("path", "query"),
    [(b"/%ff", b""), (b"/%00", b""), (b"/", b"q=%00"), (b"/", b"q=%ff%fe"), (b"/", b"%c3"), (b"/%ed%a0%80", b"")],
)
def test_what_is_refused(path: bytes, query: bytes) -> None:
    status, body = ask(path, query)
    assert (status, body["code"]) == (400, "malformed")


def test_a_character_cannot_be_half_in_the_path_and_half_in_the_query() -> None:
    assert ask(b"/%c3", b"%bc")[0] == 400


def test_what_is_noted_of_a_request() -> None:
    headers = [(b"user-agent", b"Fire\x00fox \xfc" + b"x" * 600), (b"x-device-id", b"laptop" + b"y" * 300)]
    _, body = ask(b"/", headers=headers, client=("192.0.2.7", 1234))
    ip, agent, device, version = body["caller"]
    assert ip == "192.0.2.7"
    assert agent.startswith("Firefox ü") and len(agent) == 500
    assert len(device) == 200 and version == ""
    assert caller.get() == Caller(), "and it is forgotten afterwards"


def test_devices_name_themselves_in_the_query_or_in_headers() -> None:
    query = b"x=1&device_id=my+phone%20%C3%BC&client_version=" + b"2" * 300
    assert ask(b"/", query)[1]["caller"][2:] == ["my phone ü", "2" * 100]
    headers = [(b"x-device-id", b"laptop"), (b"x-client-version", b"3.1")]
    assert ask(b"/", query, headers)[1]["caller"][2:] == ["laptop", "3.1"]


def test_a_request_from_nowhere() -> None:
    assert ask(b"/")[1]["caller"] == ["", "", "", ""]
