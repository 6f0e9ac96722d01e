"""Nodes of a cluster under faults while people type: nothing acknowledged is lost or doubled, everybody ends up with
the same, and nobody stays who has left.

COLLAB_FAULT_ROUNDS: how many schedules of faults. COLLAB_FAULT_SEED: this one schedule again.
"""

import asyncio
import os
import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from pycrdt import Doc, Text

from tests.cluster.crowd import Typist
from tests.cluster.faults import Scene, drawn
from tests.cluster.test_nodes import present
from tests.cluster.wired import Node, Wired
from tests.peers import Family, Peer, marks_in
from tests.realtime.team import Team, found_team
from tests.seeds import choose_seed
from tests.waiting import until

FAMILIES: tuple[Family, Family] = ("yws", "hocus")
PEOPLE = 4
"""In each document."""
HEALED = 30.0
"""Seconds after the last fault within which everything typed is stored, and the same everywhere."""
GHOSTS = 15.0
"""Seconds within which presence is true again."""


_GIVEN = os.environ.get("COLLAB_FAULT_SEED")
ROUNDS = 1 if _GIVEN else int(os.environ.get("COLLAB_FAULT_ROUNDS", "5"))
FIRST_SEED = int(_GIVEN) if _GIVEN else choose_seed()


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_faults_of_a_cluster_lose_nothing_double_nothing_and_leave_no_ghosts(
    three: Wired, owner: asyncpg.Connection, number: int
) -> None:
    try:
        await run_schedule(three, owner, FIRST_SEED + number)
    except BaseException as error:
        error.add_note(f"COLLAB_FAULT_SEED={FIRST_SEED + number} make faults")
        raise


async def run_schedule(cluster: Wired, owner: asyncpg.Connection, seed: int) -> None:
    chance = random.Random(seed)
    used = sorted(chance.sample(range(len(cluster.nodes)), chance.choice((2, 3))))
    faults = drawn(chance, used)
    print(f"COLLAB_FAULT_SEED={seed}: {len(used)} nodes, {', '.join(map(str, faults))}", flush=True)
    nodes = [cluster.nodes[number] for number in used]
    before, started = sum(node.to_redis.spoiled for node in nodes), asyncio.get_running_loop().time()
    team = await found_team(nodes[0], owner)
    ed = await team.member("ed", "editor")
    documents = [str(team.document), str(await second_document(team))]
    people = [
        Typist(nodes, random.Random(chance.random()), FAMILIES[number % 2], name, (team.ann, ed)[number // 2 % 2].token)
        for name in documents
        for number in range(PEOPLE)
    ]
    scene = Scene(seed, cluster, team, ed, people, asyncio.Lock())
    last = max(fault.at + fault.seconds for fault in faults) + 0.5
    leaving = [chance.uniform(0.5, last) if chance.random() < 0.25 else None for _ in people]
    done = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for typist, leaves in zip(people, leaving, strict=True):
            tasks.create_task(typist.run(done, leaves))
        async with asyncio.TaskGroup() as happening:
            for fault in faults:
                happening.create_task(fault.happen(scene))
        await assert_acknowledged_is_stored(owner, people)
        done.set()
    for name in documents:
        own = [typist for typist in people if typist.name == name]
        await assert_healed(scene, owner, name, own)
    await assert_acknowledged_is_stored(owner, people)
    for node in cluster.nodes:
        assert node.process.returncode is None, f"node {node.number} died\n{node.log[-5000:]}"
    for typist in people:
        await typist.abort()
    typed, acknowledged = sum(len(p.typed) for p in people), sum(len(p.acknowledged) for p in people)
    spoiled = sum(node.to_redis.spoiled for node in nodes) - before
    took = asyncio.get_running_loop().time() - started
    print(
        f"    {typed} marks typed, {acknowledged} acknowledged, {spoiled} bus messages spoiled, {took:.1f} s",
        flush=True,
    )


async def second_document(team: Team) -> UUID:
    made = uuid4()
    await team.owner.execute(
        "INSERT INTO documents (id, workspace_id, title, created_by) VALUES ($1, $2, 'Other plan', $3)",
        made,
        team.id,
        UUID(team.ann.id),
    )
    return made


async def stored_text(owner: asyncpg.Connection, document: str) -> str:
    """What the document's snapshot and log say, read past every server."""
    row = await owner.fetchrow(
        """
        SELECT yjs_state, ARRAY(SELECT payload FROM document_updates WHERE document_id = d.id ORDER BY seq) AS rows
        FROM documents d WHERE id = $1
        """,
        UUID(document),
    )
    assert row is not None
    doc: Doc[Any] = Doc()
    text = doc.get("content", type=Text)
    for update in [row["yjs_state"]] * bool(row["yjs_state"]) + row["rows"]:
        doc.apply_update(update)
    return str(text)


async def assert_acknowledged_is_stored(owner: asyncpg.Connection, people: Sequence[Typist]) -> None:
    """At any moment: what has been acknowledged is in PostgreSQL, once."""
    for name in {typist.name for typist in people}:
        acknowledged = {mark for typist in people if typist.name == name for mark in typist.acknowledged}
        content = (await stored_text(owner, name)).encode()
        lost = acknowledged - marks_in(content)
        assert not lost, f"{len(lost)} acknowledged marks lost in {name}, such as {sorted(lost)[:5]}"
        doubled = [mark for mark in marks_in(content) if content.count(mark) > 1]
        assert not doubled, f"{len(doubled)} marks doubled in {name}, such as {doubled[:5]}"


async def assert_healed(scene: Scene, owner: asyncpg.Connection, name: str, people: Sequence[Typist]) -> None:
    """Everything typed by those who stayed is acknowledged and stored, all copies are the same, and presence is who is
    there.
    """
    staying = [typist for typist in people if not typist.replaced]
    async with asyncio.timeout(HEALED):
        await asyncio.gather(*(saved(typist) for typist in staying))
    readers = [await Peer(node, "yws", name, token=scene.team.ann.token).sync() for node in people[0].nodes]
    expected = set().union(*(typist.typed for typist in staying), *(typist.acknowledged for typist in people))
    copies = [*staying, *readers]
    try:
        await until(lambda: len({peer.content for peer in copies}) == 1, "the same text everywhere", HEALED)
    except AssertionError as error:
        for peer in copies:
            lacking = len(expected - peer.marks)
            error.add_note(f"{peer!r} at {peer.server.ws}: {len(peer.content)} characters, lacks {lacking} marks")
        raise
    content = readers[0].content
    lost = expected - readers[0].marks
    assert not lost, f"{len(lost)} marks lost, such as {sorted(lost)[:5]}"
    assert await stored_text(owner, name) == content
    for node in scene.cluster.nodes:
        assert await content_at(node, name, scene.team.ann.token) == content, f"node {node.number} tells another text"
    for typist in staying:
        typist.renew()
    there = {typist.client for typist in staying}
    await until(
        lambda: all(typist.others == there - {typist.client} for typist in staying), "presence to be true", GHOSTS
    )
    await until(lambda: all(present(reader) == there for reader in readers), "newcomers to see who is there", GHOSTS)
    for reader in readers:
        await reader.close()


async def content_at(node: Node, name: str, token: str) -> str:
    """What REST says; a node that has not noticed yet that PostgreSQL is back sends one away for now."""
    async with asyncio.timeout(HEALED):
        while True:
            try:
                return await node.content(name, token)
            except httpx.HTTPStatusError as error:
                if error.response.status_code != 503:
                    raise


async def saved(typist: Typist) -> None:
    """Connected, and everything acknowledged, however often the line breaks meanwhile."""
    while True:
        await typist.stay(HEALED)
        await typist.until(lambda: not typist.unacknowledged or not typist.here, "acknowledgements", HEALED)
        if typist.here:
            return
