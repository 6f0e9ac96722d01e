"""What is withdrawn counts at once, with everything that was made by it: tokens of tokens, connect tokens, sockets."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from collab_server.security import tokens as crypto
from tests.features.auth.visitor import PASSWORD, Visitor, code, create_user
from tests.peers import Family, Peer
from tests.people import Person, people, run
from tests.realtime.team import ended, turned_down
from tests.server import Server
from tests.waiting import until

GONE = (401, "unauthenticated")


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("revocation")) as running:
        yield running


@pytest.fixture
async def owner(server: Server) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(server.owner_dsn)
    yield conn
    await conn.close()


async def ask(server: Server, token: str, path: str = "/auth/me") -> httpx.Response:
    async with httpx.AsyncClient(base_url=server.api, headers={"authorization": f"Bearer {token}"}) as client:
        return await client.get(path)


async def works(server: Server, token: str, path: str = "/auth/me") -> bool:
    answer = await ask(server, token, path)
    if answer.status_code == 200:
        return True
    assert code(answer) == GONE, answer.text
    return False


async def document_of(person: Person) -> str:
    made = await person.post(f"/workspaces/{person.personal}/documents", json={"title": "Plan"})
    return str(made.json()["id"])


async def connect_token(client: httpx.AsyncClient, document: str, **headers: str) -> str:
    body = {"role": "editor", "minutes": 1440}
    made = await client.post(f"/documents/{document}/connect-tokens", json=body, headers=headers)
    assert made.status_code == 201, made.text
    return str(made.json()["token"])


async def test_a_token_takes_all_that_it_made_along(server: Server) -> None:
    (ann,) = await people(server, "ann")
    first = (await ann.post("/auth/tokens", json={"name": "first", "scope": "admin"})).json()
    second = (
        await ann.post(
            "/auth/tokens",
            json={"name": "second", "scope": "admin"},
            headers={"authorization": f"Bearer {first['token']}"},
        )
    ).json()
    third = (
        await ann.post("/auth/tokens", json={"name": "third"}, headers={"authorization": f"Bearer {second['token']}"})
    ).json()
    other = (await ann.post("/auth/tokens", json={"name": "other"})).json()
    assert third["parent"] == {"kind": "token", "id": second["id"], "name": "second"}
    listed = {token["name"]: token["parent"] for token in (await ann.get("/auth/tokens")).json()["items"]}
    assert listed["second"] == {"kind": "token", "id": first["id"], "name": "first"}
    assert listed["test"] is None
    assert (await ann.delete(f"/auth/tokens/{first['id']}")).status_code == 204
    made = [first, second, third, other]
    assert [await works(server, token["token"]) for token in made] == [False, False, False, True]


async def test_the_longest_chain_of_tokens_is_revoked_in_one_statement(
    server: Server, owner: asyncpg.Connection
) -> None:
    (ann,) = await people(server, "ann")
    insert = (
        "INSERT INTO access_tokens (user_id, name, token_hash, parent_token_id) "
        "VALUES ($1, 'chain', sha256(uuid_send(gen_random_uuid())), $2) RETURNING id"
    )
    parent = None
    chain = []
    for _ in range(199):
        parent = await owner.fetchval(insert, UUID(ann.id), parent)
        chain.append(parent)
    assert (await ann.delete(f"/auth/tokens/{chain[0]}")).status_code == 204
    left = "SELECT count(*) FROM access_tokens WHERE id = ANY ($1) AND revoked_at IS NULL"
    assert await owner.fetchval(left, chain) == 0


async def test_a_token_that_is_being_made_while_its_maker_is_revoked_is_worth_nothing(
    server: Server, owner: asyncpg.Connection
) -> None:
    (ann,) = await people(server, "ann")
    parent = (await ann.post("/auth/tokens", json={"name": "parent", "scope": "admin"})).json()
    secret = crypto.new_api_token()
    making = owner.transaction()
    await making.start()
    await owner.execute("SELECT FROM access_tokens WHERE id = $1 FOR SHARE", UUID(parent["id"]))
    await owner.execute(
        "INSERT INTO access_tokens (user_id, name, token_hash, parent_token_id) VALUES ($1, 'child', $2, $3)",
        UUID(ann.id),
        crypto.token_hash(secret),
        UUID(parent["id"]),
    )
    revoking = asyncio.create_task(ann.delete(f"/auth/tokens/{parent['id']}"))
    watch = await asyncpg.connect(server.owner_dsn)

    async def waits() -> bool:
        return bool(await watch.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))

    await until(waits, "the revocation to wait for the token that is being made")
    await watch.close()
    await making.commit()
    assert (await revoking).status_code == 204
    assert not await works(server, secret)
    # And a revoked one makes none any more, however the request began.
    late = await ann.post("/auth/tokens", json={"name": "t"}, headers={"authorization": f"Bearer {parent['token']}"})
    assert code(late) == GONE


async def test_a_session_that_is_ended_elsewhere_takes_its_tokens_along_and_signing_out_keeps_them(
    server: Server,
) -> None:
    email = f"ann-{uuid4().hex[:8]}@example.com"
    await create_user(server, email)
    async with Visitor(server) as here, Visitor(server) as there, Visitor(server) as third:
        tokens = []
        for visitor in (here, there, third):
            await visitor.sign_in(email)
            tokens.append((await visitor.ask("POST", "/auth/tokens", {"name": "t"})).json())
        [current] = [s for s in (await there.ask("GET", "/auth/sessions")).json()["items"] if s["current"]]
        assert tokens[1]["parent"]["kind"] == "session" and tokens[1]["parent"]["id"] == current["id"]
        assert (await here.ask("POST", "/auth/logout")).status_code == 204
        assert [await works(server, token["token"]) for token in tokens] == [True, True, True]
        await here.sign_in(email)
        assert (await here.ask("DELETE", f"/auth/sessions/{current['id']}")).status_code == 204
        assert [await works(server, token["token"]) for token in tokens] == [True, False, True]
        assert (await here.ask("DELETE", "/auth/sessions")).status_code == 204
        assert [await works(server, token["token"]) for token in tokens] == [True, False, False]
        change = {"current_password": PASSWORD, "new_password": "another long one"}
        assert (await here.ask("POST", "/auth/password", change)).status_code == 204
        assert await works(server, tokens[0]["token"])
        back = {"current_password": "another long one", "new_password": PASSWORD, "revoke_tokens": True}
        assert (await here.ask("POST", "/auth/password", back)).status_code == 204
        assert not await works(server, tokens[0]["token"])
        assert (await here.ask("GET", "/users/me")).status_code == 200


@pytest.mark.parametrize("family", ["yws", "hocus"])
async def test_a_connect_token_ends_with_the_token_that_made_it(server: Server, family: Family) -> None:
    (ann,) = await people(server, "ann")
    document = await document_of(ann)
    maker = (await ann.post("/auth/tokens", json={"name": "embed", "scope": "write"})).json()
    made = await connect_token(ann, document, authorization=f"Bearer {maker['token']}")
    kept = await connect_token(ann, document)
    peer = await Peer(server, family, document, token=made).sync()
    stays = await Peer(server, family, document, token=kept).sync()
    assert await works(server, made, f"/documents/{document}/content")
    assert (await ann.delete(f"/auth/tokens/{maker['id']}")).status_code == 204
    await ended(peer, "unauthenticated")
    assert not await works(server, made, f"/documents/{document}/content")
    await turned_down(Peer(server, family, document, token=made), "unauthenticated")
    assert await works(server, kept, f"/documents/{document}/content")
    mark = stays.type_mark()
    reader = await Peer(server, family, document, token=ann.token).sync()
    await reader.sees(mark)
    await stays.close()
    await reader.close()


async def test_a_connect_token_ends_with_the_session_that_made_it_and_with_its_person(server: Server) -> None:
    email = f"ann-{uuid4().hex[:8]}@example.com"
    user_id = await create_user(server, email)
    (root,) = await people(server, "root", admin=True)
    async with Visitor(server) as ann:
        await ann.sign_in(email)
        home = next(w["id"] for w in (await ann.ask("GET", "/workspaces")).json()["items"] if w["kind"] == "personal")
        document = (await ann.ask("POST", f"/workspaces/{home}/documents", {"title": "Plan"})).json()["id"]
        path = f"/documents/{document}/content"
        made = await connect_token(ann.http, document, **{"x-csrf-token": ann.csrf})
        assert await works(server, made, path)
        await ann.ask("POST", "/auth/logout")
        assert not await works(server, made, path)
        await ann.sign_in(email)
        made = await connect_token(ann.http, document, **{"x-csrf-token": ann.csrf})
        assert await works(server, made, path)
        await root.patch(f"/users/{user_id}", json={"is_active": False})
        assert not await works(server, made, path)


async def test_a_connect_token_lives_no_longer_than_what_made_it(server: Server, owner: asyncpg.Connection) -> None:
    (ann,) = await people(server, "ann")
    document = await document_of(ann)
    maker = (await ann.post("/auth/tokens", json={"name": "t", "expires_in_days": 1})).json()
    await owner.execute(
        "UPDATE access_tokens SET expires_at = now() + interval '1 minute' WHERE id = $1", UUID(maker["id"])
    )
    body = {"role": "viewer", "minutes": 1440}
    headers = {"authorization": f"Bearer {maker['token']}"}
    made = (await ann.post(f"/documents/{document}/connect-tokens", json=body, headers=headers)).json()
    ends = await owner.fetchval("SELECT expires_at FROM access_tokens WHERE id = $1", UUID(maker["id"]))
    assert made["expires_at"][:19] == f"{ends:%Y-%m-%dT%H:%M:%S}"
    await owner.execute("UPDATE access_tokens SET expires_at = now() WHERE id = $1", UUID(maker["id"]))
    assert not await works(server, made["token"], f"/documents/{document}/content")


async def test_tokens_stop_working_when_the_feature_is_taken_away(server: Server) -> None:
    (root,) = await people(server, "root", admin=True)
    (ann,) = await people(server, "ann")
    document = await document_of(ann)
    made = await connect_token(ann, document)
    peers = [await Peer(server, "yws", document, token=token).sync() for token in (ann.token, made)]
    await root.patch(f"/users/{ann.id}", json={"features": {"api_tokens": False}})
    for peer in peers:
        await ended(peer, "unauthenticated")
    for token in (ann.token, made):
        assert not await works(server, token, f"/documents/{document}/content")
    with pytest.raises(AssertionError, match="turned off api_tokens"):
        await server.command("token", "create", ann.email)
    await root.patch(f"/users/{ann.id}", json={"features": {"api_tokens": None}})
    assert await works(server, ann.token, f"/documents/{document}/content")


async def test_an_operator_ends_everything_at_once(server: Server) -> None:
    email = f"ann-{uuid4().hex[:8]}@example.com"
    await create_user(server, email)
    link = (await server.command("user", "link", email)).partition("=")[2]
    (bob,) = await people(server, "bob")
    document = await document_of(bob)
    secret = OctKey.import_key((server.data_dir / "secret_key").read_bytes())
    claims = {"document": document, "role": "viewer", "name": "Old", "sub": bob.id, "by": bob.id}
    times = {"aud": crypto.CONNECT_AUDIENCE, "iat": int(time.time()), "exp": int(time.time()) + 600}
    former = jwt.encode({"alg": "HS256"}, {**claims, **times}, secret)
    playground = (await server.document(await _guest_document(server)))["id"]
    async with httpx.AsyncClient(base_url=server.api) as guest:
        by_guest = await connect_token(guest, playground)
    made = await connect_token(bob, document)
    tokens = {former: document, by_guest: playground, made: document, bob.token: document}
    for token, where in tokens.items():
        assert await works(server, token, f"/documents/{where}/content")
    peers = [await Peer(server, "yws", where, token=token).sync() for token, where in tokens.items()]
    async with Visitor(server) as ann:
        await ann.sign_in(email)
        told = await server.command("token", "revoke-all", "--yes")
        assert told.endswith("connect tokens too")
        for peer in peers:
            await ended(peer, "unauthenticated")
        for token, where in tokens.items():
            assert not await works(server, token, f"/documents/{where}/content")
        assert code(await ann.ask("GET", "/users/me")) == GONE
        assert code(await ann.enter("/auth/link", {"token": link})) == (401, "invalid_credentials")
    async with httpx.AsyncClient(base_url=server.api) as guest:
        assert await works(server, await connect_token(guest, playground), f"/documents/{playground}/content")
    audited = "SELECT FROM activity_log WHERE action = 'revoke_all' AND actor_name = 'operator'"
    await run(server, f"DO $$ BEGIN ASSERT EXISTS ({audited}); END $$")


async def _guest_document(server: Server) -> str:
    name = f"open-{uuid4().hex}"
    peer = await Peer(server, "yws", name).sync()
    await peer.close()
    return name
