"""Guesses of passwords and tokens of links: ten a minute at most from one address, wherever they are tried."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg

from tests.features.api_harness import ApiHarness, code
from tests.features.shares.sharing import open_link, share, visitor
from tests.peers import Family, Peer
from tests.server import Server

SLOWER = 1000
"""Seconds of this machine that a second of these tests has, so that a slow machine does not end a pause."""
STRETCH = f"""
CREATE OR REPLACE FUNCTION stretched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF isfinite(NEW.blocked_until) AND NEW.blocked_until > now() THEN
    NEW.blocked_until := now() + (NEW.blocked_until - now()) * {SLOWER};
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stretched BEFORE UPDATE ON sign_in_attempts FOR EACH ROW
  WHEN (NEW.blocked_until IS DISTINCT FROM OLD.blocked_until) EXECUTE FUNCTION stretched();
"""
Way = Callable[[], Awaitable[str]]
"""Guesses once; returns the code of the refusal."""


class Clock:
    """The clock of what the server counts."""

    def __init__(self, owner: asyncpg.Connection) -> None:
        self._owner = owner

    async def pass_second(self) -> None:
        await self._owner.execute(
            "UPDATE sign_in_attempts SET blocked_until = blocked_until - make_interval(secs => $1) "
            "WHERE isfinite(blocked_until)",
            SLOWER,
        )


@asynccontextmanager
async def clock(server: Server) -> AsyncIterator[Clock]:
    """Nothing is counted before and after."""
    owner = await asyncpg.connect(server.owner_dsn)
    try:
        await owner.execute("DELETE FROM sign_in_attempts")
        await owner.execute(STRETCH)
        # The trigger does not stretch what this connection writes.
        await owner.execute("SET session_replication_role = replica")
        yield Clock(owner)
    finally:
        await owner.execute("DROP TRIGGER stretched ON sign_in_attempts; DROP FUNCTION stretched()")
        await owner.execute("DELETE FROM sign_in_attempts")
        await owner.close()


def by_socket(api: ApiHarness, family: Family, document: str, token: str) -> Way:
    async def guess() -> str:
        peer = Peer(api.server, family, document, share=token)
        await peer.connect()
        assert peer.socket is not None
        if family == "hocus":
            await peer.until(lambda: peer.denied, "a refusal")
            reason = peer.denied[0]
        else:
            reason = (await peer.socket.end()).reason
        await peer.abort()
        return reason.partition(":")[0]

    return guess


async def test_a_minute_has_ten_guesses_of_a_password(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    made = await share(api, document, password="opensesame")
    other = await share(api, document, password="opensesame")
    sockets: list[Way] = [by_socket(api, family, document, made["token"]) for family in ("yws", "hocus")]
    async with clock(api.server) as time:
        judged = 0
        for _ in range(60):
            while (answer := code(await open_link(api, made["token"], password="guess"))) != "too_many":
                assert answer == "invalid_credentials"
                judged += 1
            await time.pass_second()
        assert judged == 10
        assert code(await open_link(api, made["token"], password="opensesame")) == "too_many", "nor is the right one"
        # Neither sockets nor requests take a password: they are no way around.
        assert [await guess() for guess in sockets] == ["share_password_required"] * 2
        given = {"password": "opensesame", "share_password": "opensesame"}
        refusal = await visitor(api, made["token"]).get(f"/documents/{document}", params=given)
        assert code(refusal) == "share_password_required"
        assert code(await open_link(api, made["token"], password="guess")) == "too_many", "and nothing is forgiven"
        assert (await open_link(api, other["token"], password="opensesame")).status_code == 200, "another link"


async def test_guesses_at_once_share_the_ten(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    made = await share(api, document, password="opensesame")
    async with clock(api.server):
        answers = await asyncio.gather(
            *(open_link(api, made["token"], password=f"guess {number}") for number in range(20))
        )
        assert sorted(code(answer) for answer in answers) == ["invalid_credentials"] * 5 + ["too_many"] * 15


async def test_a_minute_has_ten_guesses_of_tokens_by_all_ways_together(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    made = await share(api, document)
    guest = visitor(api, "csl_guessed")

    async def by_header() -> str:
        return code(await guest.get(f"/documents/{document}"))

    async def by_opening() -> str:
        return code(await open_link(api, "csl_guessed"))

    ways: list[Way] = [
        by_socket(api, "yws", document, "csl_guessed"),
        by_header,
        by_socket(api, "hocus", document, "csl_guessed"),
        by_opening,
    ]
    async with clock(api.server) as time:
        judged: list[int] = []
        tries = 0
        for _ in range(60):
            while True:
                answer = await ways[tries % 4]()
                tries += 1
                if answer == "too_many":
                    break
                assert answer in ("unauthenticated", "not_found")
                judged.append(tries % 4)
            await time.pass_second()
        assert len(judged) == 10
        assert set(judged) == {0, 1, 2, 3}, "by each way"
        assert (await visitor(api, made["token"]).get(f"/documents/{document}")).status_code == 200
        for family in ("yws", "hocus"):
            peer = await Peer(api.server, family, document, share=made["token"]).sync()
            await peer.close()
