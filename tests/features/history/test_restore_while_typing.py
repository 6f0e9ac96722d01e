"""Restores and rollbacks while people type: whatever was typed stays within reach, and everybody sees the same text."""

import asyncio
import os
import random
from itertools import count
from pathlib import Path
from typing import Any

from tests.features.api_harness import ApiHarness, open_api
from tests.peers import Family, Peer, marks_in
from tests.people import Person
from tests.seeds import choose_seed
from tests.waiting import until

ROUNDS = int(os.environ.get("COLLAB_RESTORE_ROUNDS", "20"))
FAMILIES: tuple[Family, ...] = ("yws", "hocus", "yws")
MARKS_AT_ONCE = 3
"""Marks that a person types while one restore or rollback runs."""
READ_AT_ONCE = 10
"""Rows whose contents are read before the missing marks are counted again."""


class Story:
    """A document that people type into, and what an editor does with its history."""

    def __init__(self, api: ApiHarness, document: dict[str, Any], peers: list[Peer], dice: random.Random) -> None:
        self.editor: Person = api.editor
        self.path = f"/documents/{document['id']}"
        self.typists = [api.owner, api.admin, api.other]
        self.peers = peers
        self.dice = dice
        self.versions: list[int] = []

    async def get(self, path: str, **params: object) -> str:
        answer = await self.editor.get(f"{self.path}/{path}", params=params)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return answer.text

    async def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = await self.editor.post(f"{self.path}/{path}", json=body)
        assert answer.is_success, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def keep(self) -> None:
        self.versions.append((await self.post("versions", {}))["number"])

    async def restore(self) -> int:
        """Restore a random version, and return its number."""
        number = self.dice.choice(self.versions)
        self.versions.append((await self.post(f"versions/{number}/restore"))["version"])
        return number

    async def roll_back(self) -> None:
        user = self.dice.choice(self.typists)
        self.versions.append((await self.post("rollback", {"user": user.id}))["version"])

    async def type(self, peer: Peer) -> None:
        """Type marks between other marks, each after the acknowledgement of the one before."""
        for _ in range(MARKS_AT_ONCE):
            mark = f"<{peer.author}.{len(peer.typed)}>"
            peer.typed.add(mark.encode())
            ends = [0, *(index + 1 for index, sign in enumerate(peer.content) if sign == ">")]
            peer.insert(mark, self.dice.choice(ends))
            await peer.saved()

    async def converge(self) -> str:
        """Wait until all peers show what REST answers, and return it."""

        async def are_equal() -> bool:
            content = await self.get("content")
            return all(peer.content == content for peer in self.peers)

        await until(are_equal, "equal texts")
        return self.peers[0].content

    async def find_lost(self) -> set[bytes]:
        """Acknowledged marks that are in no text of the history."""
        missing = {mark for peer in self.peers for mark in peer.acknowledged}
        missing -= marks_in((await self.get("content")).encode())
        for number in self.versions:
            missing -= marks_in((await self.get(f"versions/{number}/content")).encode())
        head = await self.editor.get(f"{self.path}/at", params={"seq": 2**40})
        last = int(head.headers["x-document-seq"])
        for first in count(1, READ_AT_ONCE):
            if not missing or first > last:
                return missing
            rows = range(first, min(first + READ_AT_ONCE, last + 1))
            for text in await asyncio.gather(*(self.get("at", seq=seq) for seq in rows)):
                missing -= marks_in(text.encode())
        raise AssertionError


async def test_what_people_type_while_versions_are_restored_stays_within_reach(tmp_path: Path) -> None:
    seed = choose_seed()
    dice = random.Random(seed)
    async with open_api(tmp_path, fold_updates=40) as api:
        made = await api.make()
        peers = [
            await Peer(api.server, family, made["id"], token=person.token, author=f"p{number}").sync()
            for number, (family, person) in enumerate(zip(FAMILIES, (api.owner, api.admin, api.other), strict=True))
        ]
        story = Story(api, made, peers, dice)
        await story.keep()
        quiet = 0
        for number in range(ROUNDS):
            act = story.roll_back if number % 4 == 3 else story.restore
            await asyncio.gather(act(), *(story.type(peer) for peer in peers))
            await story.converge()
            if number % 5 == 0:
                await story.keep()
            if number % 3 == 0:
                # nobody types now
                restored = await story.restore()
                assert await story.converge() == await story.get(f"versions/{restored}/content")
                quiet += 1
        assert quiet
        acknowledged = sum(len(peer.acknowledged) for peer in peers)
        assert acknowledged == ROUNDS * MARKS_AT_ONCE * len(peers)
        lost = await story.find_lost()
        assert not lost, f"{len(lost)} of {acknowledged} marks are out of reach, such as {sorted(lost)[:5]}"
        assert any(mark not in peers[0].marks for peer in peers for mark in peer.typed), "nothing was ever removed"
        for peer in peers:
            await peer.close()
