"""People comment, react and resolve at once on two servers: both then tell the same to readers and to those who listen,
and nothing is doubled. `COLLAB_DISCUSSION_PEOPLE=50` is the long form.
"""

import asyncio
import os
import random
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

from tests.cluster.conftest import Cluster
from tests.interop.harness import FAMILIES
from tests.peers import Peer
from tests.people import Person, people, run
from tests.seeds import choose_seed
from tests.waiting import until

PEOPLE = int(os.environ.get("COLLAB_DISCUSSION_PEOPLE", "10"))
ACTIONS = 10


async def listed(who: Person, document: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        answer = await who.get(f"/documents/{document}/comments", params={"cursor": cursor} if cursor else {})
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if (cursor := answer.json()["next_cursor"]) is None:
            return items


async def test_comments_on_two_servers_at_once_are_all_there_and_once(two: Cluster) -> None:
    seed = choose_seed()
    rng = random.Random(seed)
    staff = await people(two.servers[0], *(f"person{number}" for number in range(PEOPLE)))
    owner = staff[0]
    team = (await owner.post("/workspaces", json={"name": "Crowd"})).json()["id"]
    member = "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'editor')"
    await run(two.servers[0], "UPDATE workspaces SET member_limit = 99 WHERE id = $1", [(UUID(team),)])
    await run(two.servers[0], member, [(UUID(team), UUID(each.id)) for each in staff[1:]])
    document = (await owner.post(f"/workspaces/{team}/documents", json={"title": "Plan"})).json()["id"]
    path = f"/documents/{document}/comments"
    first = (await owner.post(path, json={"content": "first"})).json()["id"]
    seats = [
        Person(two.servers[number % 2], p.name, p.email, UUID(p.id), UUID(p.personal), p.token)
        for number, p in enumerate(staff)
    ]
    sent: set[str] = {first}

    async def act(who: Person, choices: random.Random) -> None:
        for turn in range(ACTIONS):
            action = choices.choice(("comment", "reply", "again", "react", "resolve"))
            if action == "react":
                answer = await who.put(f"/comments/{first}/reactions/{choices.choice('👍🎉')}")
                assert answer.status_code == 204, answer.text
            elif action == "resolve":
                done = choices.choice(("resolve", "reopen"))
                assert (await who.post(f"/comments/{first}/{done}")).status_code == 200
            else:
                body = {"content": f"{who.name} {turn}", "id": str(uuid4())}
                if action == "reply":
                    body["parent_id"] = first
                answers = await asyncio.gather(
                    *(who.post(path, json=body) for _ in range(2 if action == "again" else 1))
                )
                assert [answer.status_code for answer in answers] == [201] * len(answers), answers[0].text
                sent.add(body["id"])
        assert (await who.put(f"/comments/{first}/reactions/👀")).status_code == 204

    ears = [
        await Peer(server, family, document, token=owner.token, events=True).sync()
        for server in two.servers
        for family in FAMILIES
    ]
    for ear in ears:
        await begin_to_hear(ear, owner)
    for ear in ears:
        ear.events.clear()
    await asyncio.gather(*(act(who, random.Random(rng.random())) for who in seats))
    for last in ("reopen", "resolve"):
        assert (await owner.post(f"/comments/{first}/{last}")).status_code == 200
    here, there = await listed(seats[0], document), await listed(seats[1], document)
    for item in (*here, *there):
        for reaction in item["reactions"]:
            del reaction["mine"]
    assert here == there
    assert Counter(item["id"] for item in here) == Counter(sent)
    root = next(item for item in here if item["id"] == first)
    assert root["resolved"] and root["resolved_by"]["id"] == owner.id
    counts = {reaction["emoji"]: (reaction["count"], len(reaction["people"])) for reaction in root["reactions"]}
    assert counts["👀"] == (PEOPLE, min(PEOPLE, 10))
    threads = sum(item["parent_id"] is None and not item["resolved"] for item in here)
    for who in seats[:2]:
        assert (await who.get(f"/documents/{document}")).json()["comment_count"] == threads
    last_patch = (await owner.patch(f"/documents/{document}", json={"description": "The end"})).json()["row_version"]
    for ear in ears:
        await ear.until(lambda ear=ear: has_heard(ear, last_patch), "the end", 60)  # type: ignore[misc]
        assert heard(ear, "create") == Counter(sent - {first})
        updates = heard(ear, "update")
        assert updates[first] >= PEOPLE and updates.keys() <= sent
        await ear.close()
    # A reaction, or a change of the state that changed something, is one event. All connections hear the same.
    assert len({tuple(sorted(heard(ear, "update").items())) for ear in ears}) == 1


async def begin_to_hear(ear: Peer, owner: Person) -> None:
    """Until it hears of changes: the first one that a server reads after a pause may be a gap."""

    async def hears() -> bool:
        answer = await owner.patch(f"/documents/{ear.name}", json={"description": str(uuid4())})
        assert answer.status_code == 200, answer.text
        return any(event.get("entity_type") == "document" for event in ear.events)

    await until(hears, "the first event")


def has_heard(ear: Peer, version: int) -> bool:
    return any(e.get("entity_type") == "document" and e["row_version"] == version for e in ear.events)


def heard(ear: Peer, operation: str) -> Counter[str]:
    """How often each comment was told of; a gap is none."""
    assert all(event["type"] != "resync" for event in ear.events), "so few events are a gap"
    return Counter(
        event["entity_id"]
        for event in ear.events
        if event.get("entity_type") == "comment" and event["operation"] == operation
    )
