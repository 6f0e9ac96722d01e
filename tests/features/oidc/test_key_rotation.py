"""What the database holds of a provider's tokens, and how it is encrypted anew."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from collab_server.adapters.postgres import Conn, Database
from collab_server.features.maintenance.key_rotation import BATCH, Rotation, rotate
from collab_server.features.oidc.oidc import make_token_place
from collab_server.security.encryption import Keyring, keyring, new_key
from tests import databases
from tests.features.oidc.oidc_browser import Browser
from tests.oidc_provider import Provider
from tests.server import Server

OLD, NEW = new_key(), new_key()
BEFORE = keyring(f"old:{OLD}", b"secret key of a server")
AFTER = keyring(f"new:{NEW},old:{OLD}", b"secret key of a server")


@pytest.fixture(params=databases.VERSIONS)
async def service(request: pytest.FixtureRequest) -> AsyncIterator[Conn]:
    async with databases.migrated(request.param) as made:
        db = Database(made.login_dsn)
        await db.open()
        try:
            async with db.as_service() as conn:
                yield conn
        finally:
            await db.close()


async def add_sessions(conn: Conn, ring: Keyring | None, number: int) -> dict[UUID, bytes]:
    """Sessions with sealed values (None: without); what each should open to."""
    user_id = await conn.fetchval("INSERT INTO users (email) VALUES ($1) RETURNING id", f"{uuid4().hex}@example.com")
    secrets: dict[UUID, bytes] = {}
    for n in range(number):
        session_id = uuid4()
        secrets[session_id] = f"token {n}".encode()
        sealed = ring.seal(secrets[session_id], make_token_place(session_id)) if ring else None
        await conn.execute(
            "INSERT INTO sessions (id, user_id, token_hash, expires_at, provider_tokens) "
            "VALUES ($1, $2, sha256($3), now() + interval '1 day', $4)",
            session_id,
            user_id,
            session_id.bytes,
            sealed,
        )
    return secrets


async def test_every_value_is_sealed_anew_in_batches(service: Conn) -> None:
    secrets = await add_sessions(service, BEFORE, BATCH * 2 + 7)
    await add_sessions(service, None, 3)
    current = await add_sessions(service, AFTER, 5)
    assert await rotate(service, AFTER) == Rotation(BATCH * 2 + 7, 0)
    only_new = keyring(f"new:{NEW}", b"secret key of a server")
    rows = await service.fetch("SELECT id, provider_tokens FROM sessions WHERE provider_tokens IS NOT NULL")
    opened = {row[0]: only_new.open(row[1], make_token_place(row[0])) for row in rows}
    assert opened == secrets | current
    assert await rotate(service, AFTER) == Rotation(0, 0)


async def test_what_no_key_opens_is_counted_and_left_alone(service: Conn) -> None:
    kept = await add_sessions(service, BEFORE, 2)
    await add_sessions(service, keyring(f"lost:{new_key()}", b"another secret"), BATCH + 1)
    (session_id,) = await add_sessions(service, None, 1)
    await service.execute("UPDATE sessions SET provider_tokens = $2 WHERE id = $1", session_id, b"")
    assert await rotate(service, AFTER) == Rotation(len(kept), BATCH + 2)
    assert await rotate(service, AFTER) == Rotation(0, BATCH + 2)


async def test_the_command_rotates_what_a_sign_in_left_behind(tmp_path: Path) -> None:
    """From the key derived from SECRET_KEY to a key of its own, with a server that runs before and after."""
    async with Provider() as provider:
        settings = {"oidc_issuer": provider.issuer, "oidc_client_id": "collab-public"}
        ann = provider.add("ann")
        async with Server(tmp_path, **settings) as server, Browser(server, provider) as browser:
            await browser.sign_in(ann)
            before = await stored_tokens(server)
            assert provider.exchanged
            assert all(word not in before for word in (b"refresh-", b"access_token", b"eyJ", b"ann"))
            cookies = browser.http.cookies
        key = await server.command("secrets", "new-key")
        async with (
            Server(tmp_path, **settings, encryption_keys=f"mine:{key}") as server,
            Browser(server, provider) as browser,
        ):
            assert await server.command("secrets", "rotate") == "1 encrypted anew with 'mine'"
            after = await stored_tokens(server)
            assert after != before and b"mine" in after
            session_id, opened = await opened_tokens(server, keyring(f"mine:{key}", b"is not needed any more"))
            assert opened.keys() == {"access_token", "refresh_token", "id_token"}
            assert opened["refresh_token"].startswith("refresh-")
            assert await server.command("secrets", "rotate") == "0 encrypted anew with 'mine'"
            # Signing out opens them for the hint of whose session at the provider ends.
            answer = await browser.http.get(
                f"{server.api}/auth/oidc/logout", headers={"cookie": f"collab_session={cookies['collab_session']}"}
            )
            assert f"id_token_hint={opened['id_token']}" in answer.headers["location"]
            assert session_id


async def test_the_command_says_what_it_cannot_open(tmp_path: Path) -> None:
    async with Server(tmp_path) as server:
        conn = await asyncpg.connect(server.owner_dsn)
        await add_sessions(conn, keyring(f"lost:{new_key()}", b"another secret"), 2)
        await conn.close()
        with pytest.raises(AssertionError, match="2 cannot be opened: their key is not in COLLAB_ENCRYPTION_KEYS"):
            await server.command("secrets", "rotate")


async def stored_tokens(server: Server) -> bytes:
    conn = await asyncpg.connect(server.owner_dsn)
    try:
        found: bytes = await conn.fetchval("SELECT provider_tokens FROM sessions")
        return found
    finally:
        await conn.close()


async def opened_tokens(server: Server, ring: Keyring) -> tuple[UUID, dict[str, str]]:
    conn = await asyncpg.connect(server.owner_dsn)
    try:
        row = await conn.fetchrow("SELECT id, provider_tokens FROM sessions")
        assert row is not None
        return row[0], json.loads(ring.open(row[1], make_token_place(row[0])))
    finally:
        await conn.close()
