"""kill -9 of a client while it edits and syncs: nothing that it acknowledged is lost, and nothing is there twice.

COLLAB_CLIENT_CRASHES: how often it is killed. COLLAB_TEST_SEED repeats a run's moments; the seed is printed.
"""

import asyncio
import os
import random
import re
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

from collab_server.client.offline import OfflineClient
from tests.client.agent import COMMENTS_EVERY
from tests.client.devices import device, text_on_server
from tests.features.api_harness import ApiHarness
from tests.require import ROOT
from tests.seeds import choose_seed

ROUNDS = int(os.environ.get("COLLAB_CLIENT_CRASHES", "12"))
WITHIN = 60.0
PHONE_SYNCS_EVERY = 4
WORDS = 60
"""Up to so many words a child says before its last moments: some syncs."""


class Agent:
    """See tests/client/agent.py. `began`, `acked`: numbers of its edits."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._given, self._said = process.stdin, process.stdout
        self.began: set[int] = set()
        self.acked: set[int] = set()
        self.synced = 0

    async def hear(self) -> tuple[str, int]:
        async with asyncio.timeout(WITHIN):
            word, number = (await self._said.readline()).split()
        match word:
            case b"began":
                self.began.add(int(number))
            case b"acked":
                self.acked.add(int(number))
            case b"synced":
                self.synced += 1
        return word.decode(), int(number)

    async def live_until(self, chance: random.Random, first: int) -> None:
        """A child that is killed at some moment after some of its words."""
        self._given.write(f"{first}\n".encode())
        child = await self.hear()
        assert child[0] == "child"
        for _ in range(chance.randrange(WORDS)):
            await self.hear()
        await asyncio.sleep(chance.uniform(0, 0.1))
        os.kill(child[1], signal.SIGKILL)
        while (await self.hear())[0] != "dead":
            pass


async def assert_said_once(field: ApiHarness, agent: Agent, document: UUID) -> None:
    """Each comment that was acknowledged is on the server, once, with its last text and its reaction."""
    said: list[dict[str, Any]] = []
    cursor = None
    while cursor or not said:
        query = {"limit": "200", **({"cursor": cursor} if cursor else {})}
        page = (await field.viewer.get(f"/documents/{document}/comments", params=query)).json()
        said += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    texts = Counter(one["content"] for one in said)
    assert [text for text, times in texts.items() if times > 1] == [], "said twice"
    acked = {number for number in agent.acked if number % COMMENTS_EVERY == 0}
    assert {f"({number}) edited" for number in acked} - texts.keys() == set(), "said and lost"
    assert {int(text.split(")")[0][1:]) for text in texts} <= agent.began, "never said"
    whole = [one for one in said if one["content"].endswith("edited")]
    assert {one["reactions"][0]["count"] for one in whole} <= {1}
    print(f"{len(said)} comments, {len(acked)} of them acknowledged")


async def test_a_client_that_is_killed_loses_and_repeats_nothing(field: ApiHarness, tmp_path: Path) -> None:
    seed = choose_seed()
    chance = random.Random(seed)
    path = tmp_path / "killed.sqlite"
    async with OfflineClient(path) as client:
        await client.set_up(field.server.http, field.editor.token)
        await client.sync()
        document = await client.create("title 0", "", UUID(field.team))
        await client.sync()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.client.agent",
        str(path),
        str(document),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    agent = Agent(process)
    try:
        async with device(tmp_path, field.other) as phone:
            for number in range(ROUNDS):
                await agent.live_until(chance, number * 1_000_000 + 1)
                await phone.append(document, f"[{number}]\n")
                if number % PHONE_SYNCS_EVERY == 0:
                    await phone.sync()
            async with OfflineClient(path) as client:
                await phone.sync()
                await client.sync()
                await phone.sync()
                assert (await client.status())[1:] == (0, 0)
                text = await text_on_server(field.viewer, document)
                assert await client.content(document) == await phone.content(document) == text
                title = {one.title for one in await client.documents() if one.id == document}
                assert await client.refused_comments() == []
                await assert_said_once(field, agent, document)
                assert len(await phone.comments(document)) == len(await client.comments(document))
    finally:
        process.kill()
        await process.wait()
    found = Counter(int(number) for number in re.findall(r"<(\d+)>", text))
    assert agent.acked - found.keys() == set(), "acknowledged and lost"
    assert found.keys() - agent.began == set(), "never typed"
    assert [number for number, times in found.items() if times > 1] == [], "there twice"
    assert sorted(map(int, re.findall(r"\[(\d+)\]", text))) == list(range(ROUNDS)), "of the phone"
    renamed = {int(one) for one in re.findall(r"\d+", " ".join(title))}
    assert renamed <= agent.began | {0}
    assert max((number for number in agent.acked if number % 7 == 0), default=0) <= max(renamed)
    print(f"{ROUNDS} kills, {len(agent.acked)} of {len(agent.began)} edits acknowledged, {agent.synced} syncs")
