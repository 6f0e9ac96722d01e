"""kill -9 of the server while people discuss: whatever was answered with 2xx is there afterwards.

COLLAB_DISCUSSION_CRASHES: how often. COLLAB_TEST_SEED repeats a run's moments; the seed is printed.
"""

import asyncio
import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.features.api_harness import ApiHarness, open_api
from tests.features.comments.test_comments import listed
from tests.people import Person, fetch
from tests.seeds import choose_seed

ROUNDS = int(os.environ.get("COLLAB_DISCUSSION_CRASHES", "3"))
ANSWERS = (5, 40)
"""After so many answers of a round the server is killed."""


@dataclass
class Told:
    """What the server answered with 2xx. `texts`: by comment, None for one that was deleted. `begun`: texts that it may
    have stored.
    """

    texts: dict[str, str | None] = field(default_factory=dict)
    begun: dict[str, set[str | None]] = field(default_factory=dict)
    resolved: dict[str, bool] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    """Comments whose state was asked to change, without an answer."""
    reactions: set[tuple[str, str, str]] = field(default_factory=set)
    """(comment, user, emoji)"""
    mentions: set[tuple[str, str]] = field(default_factory=set)
    """(comment, user who was told of it)"""
    answers: int = 0


class Crowd:
    def __init__(self, api: ApiHarness, document: str, dice: random.Random) -> None:
        self.api, self.document, self.dice, self.told = api, document, dice, Told()
        self.changed = asyncio.Event()

    async def discuss(self, who: Person) -> None:
        """Until the line breaks. Each person changes their own comments only, so that the last answer counts."""
        mine: list[str] = []
        try:
            while True:
                await self.act(who, mine)
                self.told.answers += 1
                self.changed.set()
        except httpx.TransportError:
            pass

    async def act(self, who: Person, mine: list[str]) -> None:
        told, kind = self.told, self.dice.choice(("say", "say", "edit", "delete", "resolve", "react"))
        if kind == "say" or not mine:
            comment, text = str(uuid4()), f"{who.name} {uuid4().hex}"
            told.begun[comment] = {text}
            body = {"id": comment, "content": text, "mentions": [self.api.viewer.id]}
            ok(await who.post(f"/documents/{self.document}/comments", json=body), 201)
            told.texts[comment] = text
            told.mentions.add((comment, self.api.viewer.id))
            return mine.append(comment)
        comment = self.dice.choice(mine)
        path = f"/comments/{comment}"
        if kind == "edit":
            text = f"{who.name} {uuid4().hex} again"
            told.begun[comment].add(text)
            ok(await who.patch(path, json={"content": text, "mentions": [self.api.viewer.id]}), 200)
            told.texts[comment], told.begun[comment] = text, {text}
        elif kind == "delete":
            mine.remove(comment)
            told.begun[comment].add(None)
            ok(await who.delete(path), 204)
            told.texts[comment], told.begun[comment] = None, {None}
        elif kind == "resolve":
            how = self.dice.choice(("resolve", "reopen"))
            told.unsure.add(comment)
            ok(await who.post(f"{path}/{how}"), 200)
            told.resolved[comment] = how == "resolve"
            told.unsure.discard(comment)
        else:
            emoji = self.dice.choice("👍🎉👀")
            ok(await who.put(f"{path}/reactions/{emoji}"), 204)
            told.reactions.add((comment, who.id, emoji))

    async def live_until_killed(self) -> None:
        people = (self.api.owner, self.api.editor, self.api.commenter, self.api.other)
        until = self.told.answers + self.dice.randint(*ANSWERS)
        async with asyncio.TaskGroup() as tasks:
            for who in people:
                tasks.create_task(self.discuss(who))
            while self.told.answers < until:
                self.changed.clear()
                await self.changed.wait()
            await self.api.server.kill()

    async def assert_all_there(self) -> None:
        told = self.told
        items: dict[str, dict[str, Any]] = {
            one["id"]: one for one in await listed(self.api.viewer, self.document, limit=200) if not one["deleted"]
        }
        for comment in told.texts:
            found = items[comment]["content"] if comment in items else None
            assert found in told.begun[comment], (comment, found)
            told.texts[comment] = found
        assert items.keys() <= told.begun.keys()
        alive = {comment for comment, text in told.texts.items() if text is not None}
        for comment, resolved in told.resolved.items():
            assert comment in told.unsure or comment not in alive or items[comment]["resolved"] == resolved, comment
        rows = await fetch(self.api.server, "SELECT comment_id, user_id, emoji FROM comment_reactions")
        assert told.reactions <= {(str(row[0]), str(row[1]), row[2]) for row in rows}
        # One that was read, or whose comment is gone, need not be in the inbox any more.
        inbox = await notified(self.api.viewer)
        assert {comment for comment, _ in told.mentions if comment in alive} <= inbox
        unread = (await self.api.viewer.get("/notifications/unread")).json()["count"]
        assert unread >= len(inbox)


async def notified(who: Person) -> set[str]:
    """Comments that the person was told of."""
    found: set[str] = set()
    cursor = None
    while True:
        query = {"limit": "200", **({"cursor": cursor} if cursor else {})}
        page = (await who.get("/notifications", params=query)).json()
        found |= {one["comment"]["id"] for one in page["items"] if one["comment"]}
        if (cursor := page["next_cursor"]) is None:
            return found


def ok(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text


async def test_what_was_answered_with_2xx_is_there_after_a_kill(tmp_path: Path) -> None:
    seed = choose_seed()
    async with open_api(tmp_path) as api:
        crowd = Crowd(api, (await api.make())["id"], random.Random(seed))
        for _ in range(ROUNDS):
            await crowd.live_until_killed()
            await api.server.start()
            await crowd.assert_all_there()
        print(f"{ROUNDS} kills, {crowd.told.answers} answers, {len(crowd.told.texts)} comments")
        assert crowd.told.answers >= ROUNDS * ANSWERS[0]
        assert crowd.told.reactions and crowd.told.resolved and crowd.told.mentions
