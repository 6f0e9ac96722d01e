"""kill -9 of the server while people type and the history is folded, kept and restored: it stays whole."""

import asyncio
import os
import random
from pathlib import Path
from typing import Any

import httpx

from tests.features.api_harness import ApiHarness, open_api
from tests.peers import MARK, Family, Peer, marks_in
from tests.people import Person, fetch
from tests.seeds import choose_seed
from tests.waiting import until

ROUNDS = int(os.environ.get("COLLAB_HISTORY_CRASH_ROUNDS", "3"))
KILLS_OF_A_DOCUMENT = 10
"""Kills after which people go on in new documents. A check takes longer with each kill."""
FAMILIES: tuple[Family, ...] = ("yws", "hocus", "yws")
AHEAD = 3
"""Marks that a person lets wait for their acknowledgement before typing on."""
SEGMENTS = """
SELECT d.yjs_clock, coalesce(array_agg(s.first_seq ORDER BY s.last_seq) FILTER (WHERE s.last_seq IS NOT NULL), '{}')
         AS firsts, coalesce(array_agg(s.last_seq ORDER BY s.last_seq) FILTER (WHERE s.last_seq IS NOT NULL), '{}')
         AS lasts, coalesce(sum(s.row_count), 0) AS rows
FROM documents d LEFT JOIN history_segments s ON s.document_id = d.id WHERE d.id::text = $1 GROUP BY d.id
"""


class Plot:
    """A document, the people who type into it, and one who asks for its history. `restores`: and restores versions."""

    def __init__(self, api: ApiHarness, document: dict[str, Any], name: str, *, restores: bool) -> None:
        self.api = api
        self.id: str = document["id"]
        self.path = f"/documents/{self.id}"
        self.restores = restores
        self.people: list[Person] = [api.owner, api.admin, api.other]
        self.peers = [
            Peer(api.server, family, self.id, token=person.token, author=f"{name}{number}")
            for number, (family, person) in enumerate(zip(FAMILIES, self.people, strict=True))
        ]
        self.versions: list[int] = []
        self.removals: list[int] = []
        """Rows at or before which a restore or a rollback was committed."""

    async def sync(self) -> None:
        await asyncio.gather(*(peer.sync() for peer in self.peers))

    async def type(self, peer: Peer) -> None:
        """Type until the line breaks."""
        while peer.connected:
            peer.type_mark()
            await peer.until(lambda: peer.unacknowledged < AHEAD or not peer.connected, "an acknowledgement")

    async def ask(self, dice: random.Random) -> None:
        """Make versions, restore them and read contents, which folds, until the server is gone."""
        editor = self.api.editor
        try:
            while True:
                answer = await editor.post(f"{self.path}/versions", json={})
                assert answer.status_code in (201, 503), answer.text
                if answer.status_code == 201:
                    self.versions.append(answer.json()["number"])
                answer = await editor.get(f"{self.path}/content")
                assert answer.status_code in (200, 503), answer.text
                if self.restores and self.versions:
                    path = f"{self.path}/versions/{dice.choice(self.versions)}/restore"
                    self._note_removal(await editor.post(path))
                    path = f"{self.path}/rollback"
                    self._note_removal(await editor.post(path, json={"user": dice.choice(self.people).id}))
        except httpx.TransportError:
            return

    def _note_removal(self, answer: httpx.Response) -> None:
        assert answer.status_code in (200, 503), answer.text
        if answer.status_code == 200:
            self.removals.append(answer.json()["seq"])

    async def get(self, path: str, **params: object) -> httpx.Response:
        answer = await self.api.editor.get(f"{self.path}/{path}", params=params)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return answer

    async def check(self) -> int:
        """Check the history after a restart, when nobody types; return the number of segments."""
        segments = await self.check_segments()
        content = (await self.get("content")).text
        now = await self.get("at", seq=2**40)
        assert now.text == content
        head = int(now.headers["x-document-seq"])
        assert (await self.get("at", seq=head)).text == content
        await self.check_blame(content)
        await self.check_marks(content, head)
        return max(segments, await self.check_segments())

    async def check_segments(self) -> int:
        [row] = await fetch(self.api.server, SEGMENTS, self.id)
        if row["yjs_clock"]:
            assert row["firsts"][0] == 1
            assert row["lasts"][-1] == row["yjs_clock"]
            assert row["firsts"][1:] == [last + 1 for last in row["lasts"][:-1]], "a gap or an overlap"
            assert row["rows"] == row["yjs_clock"], "rows are missing in a segment"
        return len(row["lasts"])

    async def check_blame(self, content: str) -> None:
        runs = (await self.get("blame")).json()["runs"]
        assert "".join(run["text"] for run in runs) == content
        authors = [run["author"]["id"] for run in runs for _ in run["text"]]
        ids = {peer.author: person.id for peer, person in zip(self.peers, self.people, strict=True)}
        for mark in MARK.finditer(content.encode()):
            # What a restore has brought back is the editor's text. Where a character is equal to one that somebody
            # else has typed at its place, a restore leaves that one.
            typist = {ids[mark[0].decode()[1:].partition(".")[0]]}
            found = set(authors[mark.start() : mark.end()])
            everybody = {*ids.values(), self.api.editor.id}
            assert found == typist or (self.restores and found <= everybody), (mark, found)

    async def check_marks(self, content: str, head: int) -> None:
        missing = {mark for peer in self.peers for mark in peer.acknowledged} - marks_in(content.encode())
        assert self.restores or not missing, (
            f"{len(missing)} acknowledged marks are lost, such as {sorted(missing)[:5]}"
        )
        for number in reversed(self.versions):
            if missing:
                missing -= marks_in((await self.get(f"versions/{number}/content")).content)
        # Most are there just before they are removed.
        before = [seq - distance for seq in reversed(self.removals) for distance in range(8)]
        for seq in (*before, *range(head, 0, -1)):
            if missing:
                missing -= marks_in((await self.get("at", seq=max(1, seq))).content)
        assert not missing, f"{len(missing)} acknowledged marks are out of reach, such as {sorted(missing)[:5]}"


async def kill_while_typing(api: ApiHarness, plots: list[Plot], dice: random.Random) -> None:
    """Kill the server while people type into these documents and others ask for their history, and start it again."""
    await asyncio.gather(*(plot.sync() for plot in plots))
    async with asyncio.TaskGroup() as work:
        for plot in plots:
            work.create_task(plot.ask(dice))
            for peer in plot.peers:
                work.create_task(plot.type(peer))
        # Otherwise a slow machine may be killed before it has kept anything.
        await until(lambda: all(plot.versions for plot in plots), "a version of each document", 120)
        # the kill comes at a moment that has nothing to do with what the server is doing
        await asyncio.sleep(dice.uniform(0.2, 3))
        await api.server.kill()
    await api.server.start()


async def test_the_history_is_whole_after_the_server_is_killed(tmp_path: Path) -> None:
    seed = choose_seed()
    dice = random.Random(seed)
    async with open_api(tmp_path, fold_updates=4, rate_requests=0) as api:
        plots: list[Plot] = []
        left: list[Plot] = []
        most_segments = 0
        for number in range(ROUNDS):
            if number % KILLS_OF_A_DOCUMENT == 0:
                left += plots
                plots = [
                    Plot(api, await api.make(), "kept", restores=False),
                    Plot(api, await api.make(), "restored", restores=True),
                ]
            await kill_while_typing(api, plots, dice)
            for plot in plots:
                most_segments = max(most_segments, await plot.check())
        for plot in left:
            # Nobody has typed into them since, and the server was killed again.
            await plot.check()
        plots = left + plots
        acknowledged = sum(len(peer.acknowledged) for plot in plots for peer in plot.peers)
        versions = sum(len(plot.versions) for plot in plots)
        print(f"{ROUNDS} kills, {acknowledged} marks acknowledged, {versions} versions, {most_segments} segments")
        assert acknowledged > ROUNDS * 2 * len(FAMILIES)
        assert versions
        assert most_segments > 1
