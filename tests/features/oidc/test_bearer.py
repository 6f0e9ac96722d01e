"""Programs with the provider's access tokens: on REST, on both kinds of socket, and how they end."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from collab_server.access.policy import Role
from collab_server.features.oidc.bearer import find_role_cap
from tests.features.oidc.oidc_browser import Browser
from tests.oidc_provider import AUDIENCE, CLIENT_ID, CLIENT_SECRET, Provider, Signature
from tests.peers import Family, Peer, var_string
from tests.server import Server


@pytest.fixture(scope="module")
async def server(running: Provider, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    settings = {
        "oidc_issuer": running.issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
        "oidc_audience": AUDIENCE,
        "guest_role": "none",
    }
    async with Server(tmp_path_factory.mktemp("oidc-bearer"), **settings) as started:
        yield started


@pytest.fixture(scope="module")
async def ann(server: Server, running: Provider) -> str:
    """Somebody who has signed in with a browser once."""
    subject = running.add("ann", name="Ann Example")
    async with Browser(server, running) as browser:
        assert await browser.sign_in(subject) == "/"
    return subject


async def ask(
    server: Server, token: str, method: str = "GET", path: str = "/auth/me", json: Any = None
) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.request(
            method, f"{server.api}{path}", json=json, headers={"authorization": f"Bearer {token}"}
        )


async def document_of(server: Server, token: str) -> str:
    """The address of a new document in the personal workspace of the token's owner."""
    workspaces = (await ask(server, token, path="/workspaces")).json()["items"]
    (personal,) = [w for w in workspaces if w["kind"] == "personal"]
    answer = await ask(server, token, "POST", f"/workspaces/{personal['id']}/documents", {"title": uuid4().hex})
    assert answer.status_code == 201, answer.text
    address: str = answer.json()["address"]
    return address


async def test_an_access_token_is_its_person(server: Server, provider: Provider, ann: str) -> None:
    for signature in ("RS256", "ES256"):
        provider.signature = signature
        me = (await ask(server, provider.access_token(ann))).json()
        assert (me["kind"], me["name"], me["csrf_token"]) == ("user", "Ann Example", None)


@pytest.mark.parametrize(
    ("scope", "creates", "administers"),
    [
        ("openid", True, False),
        ("collab:read", False, False),
        ("openid collab:comment", False, False),
        ("collab:read collab:write", True, False),
        ("collab:admin", True, True),
        ("collab:everything", False, False),
    ],
)
async def test_scopes_are_the_most_that_a_token_may(
    server: Server, provider: Provider, ann: str, scope: str, creates: bool, administers: bool
) -> None:
    token = provider.access_token(ann, scope=scope)
    workspaces = (await ask(server, token, path="/workspaces")).json()["items"]
    (personal,) = [w for w in workspaces if w["kind"] == "personal"]
    answer = await ask(server, token, "POST", f"/workspaces/{personal['id']}/documents", {"title": "A page"})
    assert answer.status_code == (201 if creates else 403), answer.text
    answer = await ask(server, token, "DELETE", f"/auth/sessions/{uuid4()}")
    assert answer.status_code == (404 if administers else 403), answer.text


@pytest.mark.parametrize(
    ("claims", "cap"),
    [
        ({}, Role.EDITOR),
        ({"scope": ""}, Role.EDITOR),
        ({"scope": 7}, Role.EDITOR),
        ({"scope": ["collab:read", 7]}, Role.VIEWER),
        ({"scp": ["collab:comment"]}, Role.COMMENTER),
        ({"scp": "collab:write openid"}, Role.EDITOR),
        ({"scope": "collab:"}, Role.VIEWER),
        ({"scope": "read admin"}, Role.EDITOR),
    ],
)
def test_the_cap_of_a_token(claims: dict[str, Any], cap: Role) -> None:
    assert find_role_cap(claims) is cap


@pytest.mark.parametrize("signature", ["none", "hmac_with_public_key", "unknown_kid", "foreign_key"])
async def test_a_token_that_the_provider_did_not_sign_opens_nothing(
    server: Server, provider: Provider, ann: str, signature: Signature
) -> None:
    provider.signature = signature
    token = provider.access_token(ann)
    answer = await ask(server, token)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    peer = Peer(server, "yws", "anything", token=token)
    await peer.connect()
    assert peer.socket is not None
    assert (await peer.socket.end()).code == 4401


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://elsewhere.example"},
        {"aud": CLIENT_ID},
        {"iss": "https://elsewhere.example"},
        {"exp": 1_000_000_000},
        {"sub": "somebody-who-never-came"},
        {"sub": None},
        {"nonce": "as in an ID token"},
    ],
)
async def test_a_token_for_something_else_opens_nothing(
    server: Server, provider: Provider, ann: str, claims: dict[str, Any]
) -> None:
    answer = await ask(server, provider.access_token(ann, **claims))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_may_carry_many_groups(server: Server, provider: Provider, ann: str) -> None:
    token = provider.access_token(ann, groups=[f"/organisation/department/{n}" for n in range(300)])
    assert 8_000 < len(token) < 16_000
    assert (await ask(server, token)).status_code == 200
    token = provider.access_token(ann, groups=["x" * 16_000])
    assert (await ask(server, token)).status_code == 401


@pytest.mark.parametrize("family", ["yws", "hocus"])
async def test_a_token_opens_a_document_on_both_kinds_of_socket(
    server: Server, provider: Provider, ann: str, family: Family
) -> None:
    token = provider.access_token(ann)
    address = await document_of(server, token)
    peer = await Peer(server, family, address, token=token).sync()
    peer.insert("written by a program")
    await peer.saved()
    await peer.close()
    assert await server.content(address, token) == "written by a program"


@pytest.mark.parametrize("family", ["yws", "hocus"])
async def test_a_token_that_may_only_read_does_so_on_sockets(
    server: Server, provider: Provider, ann: str, family: Family
) -> None:
    address = await document_of(server, provider.access_token(ann))
    token = provider.access_token(ann, scope="collab:read")
    peer = await Peer(server, family, address, token=token).sync()
    if family == "hocus":
        assert peer.scope == "readonly"
    peer.insert("not allowed")
    await peer.until(lambda: peer.denied or peer.closes or peer.status or not peer.connected, "a refusal")
    await peer.close()
    assert await server.content(address, token) == ""


async def test_a_y_websocket_closes_4401_when_its_token_ends(server: Server, provider: Provider, ann: str) -> None:
    address = await document_of(server, provider.access_token(ann))
    # Tokens are taken for a minute after their end, as clocks differ; sockets end with the token.
    peer = await Peer(server, "yws", address, token=provider.access_token(ann, lifetime=3)).sync()
    assert peer.socket is not None
    end = await peer.socket.end()
    assert (end.code, end.reason) == (4401, "unauthenticated: the token has expired")


async def test_a_hocuspocus_document_goes_on_with_a_newer_token(server: Server, provider: Provider, ann: str) -> None:
    address = await document_of(server, provider.access_token(ann))
    short, long = provider.access_token(ann, lifetime=4), provider.access_token(ann, lifetime=300)
    leaver = await Peer(server, "hocus", address, token=short).sync()
    stayer = await Peer(server, "hocus", address, token=short).sync()
    stayer.send(token_message(long))
    await leaver.refused()
    assert leaver.closes == ["unauthenticated: the token has expired"]
    stayer.insert("still here")
    await stayer.saved()
    assert stayer.closes == [] and stayer.connected
    for peer in (leaver, stayer):
        await peer.close()


async def test_a_deactivated_users_token_opens_nothing(server: Server, provider: Provider) -> None:
    subject = provider.add(f"ben-{uuid4().hex[:8]}")
    async with Browser(server, provider) as browser:
        await browser.sign_in(subject)
    token = provider.access_token(subject)
    assert (await ask(server, token)).status_code == 200
    await server.command("user", "deactivate", f"{subject}@example.com")
    assert (await ask(server, token)).status_code == 401


async def test_an_outage_does_not_end_what_is_known(server: Server, provider: Provider, ann: str) -> None:
    token = provider.access_token(ann)
    assert (await ask(server, token)).status_code == 200
    await provider.stop()
    try:
        assert (await ask(server, token)).status_code == 200, "the keys are known"
        provider.signature = "unknown_kid"
        assert (await ask(server, provider.access_token(ann))).status_code == 401
    finally:
        await provider.start()


async def test_keys_that_were_never_had_are_an_outage_for_programs_only(provider: Provider, tmp_path: Path) -> None:
    settings = {"oidc_issuer": provider.issuer, "oidc_audience": AUDIENCE}
    await provider.stop()
    try:
        async with Server(tmp_path, **settings) as server:
            answer = await ask(server, provider.access_token("ann"))
            assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")
            peer = Peer(server, "yws", "a-page", token=provider.access_token("ann"))
            await peer.connect()
            assert peer.socket is not None
            assert (await peer.socket.end()).code == 1013
            guest = await Peer(server, "yws", "a-page").sync()
            await guest.close()
            # Without a client id there is no sign-in in the browser.
            async with httpx.AsyncClient() as client:
                assert (await client.get(f"{server.api}/auth/oidc/login")).status_code == 404
    finally:
        await provider.start()


def token_message(token: str) -> bytes:
    """Hocuspocus: a token for a document that is open already renews what it was opened with."""
    return b"\x02\x00" + var_string(token) + var_string("4.8.0")
