"""An anchor on 40 words of a running server follows its words while three people edit, and through restores.

`COLLAB_LIVE_ANCHOR_EDITS` edits, by y-websocket and Hocuspocus clients; COLLAB_TEST_SEED repeats a run's choices.
"""

import os
import random
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pycrdt
import pytest

from collab_server.core.yjs.structs import Id
from tests.core.test_anchors import WORDS, letters, visible_ids
from tests.features.api_harness import ApiHarness, open_api
from tests.features.comments.test_comments import say
from tests.peers import Family, Peer
from tests.seeds import choose_seed
from tests.waiting import until

EDITS = int(os.environ.get("COLLAB_LIVE_ANCHOR_EDITS", "600"))
FAMILIES: tuple[Family, ...] = ("yws", "hocus", "yws")
ROUND = 300
"""Edits until a version is restored: first around the words, then anywhere."""
LOOK_EVERY = 60


def some_words(dice: random.Random, count: int) -> str:
    return " ".join(dice.choices(WORDS, k=count))


class TextRoom:
    """A plain text that peers edit."""

    def __init__(self, dice: random.Random, peers: Sequence[Peer]) -> None:
        self.dice, self.peers = dice, peers
        self.quote = some_words(dice, 40)

    def begin(self) -> None:
        self.peers[0].insert(f"{some_words(self.dice, 40)} {self.quote} {some_words(self.dice, 40)}")

    def edit(self, *, outside: bool) -> None:
        text = self.dice.choice(self.peers).text
        content = str(text)
        first = content.find(self.quote) if outside else -1
        last = first + len(self.quote)
        at = self.dice.randint(0, len(content))
        if first >= 0 and first < at < last:
            at = self.dice.choice((first, last))
        stop = min(len(content), at + self.dice.randint(1, 6))
        if at < first:
            stop = min(stop, first)
        if len(content) > 500 and stop > at and self.dice.random() < 0.6 and not first <= at < last:
            del text[at:stop]
        else:
            text.insert(at, self.dice.choice(WORDS)[: self.dice.randint(1, 5)])


class PageRoom:
    """A fragment of paragraphs, as editors of the ProseMirror family write it. The words are in three of them."""

    def __init__(self, dice: random.Random, peers: Sequence[Peer]) -> None:
        self.dice, self.peers = dice, peers
        self.parts = [some_words(dice, count) for count in (10, 20, 10)]
        self.fragments: list[pycrdt.XmlFragment] = [p.doc.get("default", type=pycrdt.XmlFragment) for p in peers]
        self.quote = "\n\n".join(self.parts)

    def begin(self) -> None:
        around = [some_words(self.dice, 20) for _ in range(2)]
        for text in (around[0], *self.parts, around[1]):
            self.fragments[0].children.append(pycrdt.XmlElement("paragraph", {}, [pycrdt.XmlText(text)]))

    def edit(self, *, outside: bool) -> None:
        children = self.dice.choice(self.fragments).children
        index = self.dice.choice((0, len(children) - 1)) if outside else self.dice.randrange(len(children))
        inner: Any = children[index]
        choice = self.dice.random()
        if choice < 0.02 or not len(inner.children):
            at = 0 if outside else index
            children.insert(at, pycrdt.XmlElement("paragraph", {}, [pycrdt.XmlText(some_words(self.dice, 5))]))
            return
        text = inner.children[0]
        size = len(text)
        at = self.dice.randint(0, size)
        if size > 60 and choice < 0.6:
            del text[at : min(size, at + self.dice.randint(1, 6))]
        elif choice < 0.65 and size:
            first = self.dice.randrange(size)
            text.format(first, min(size, first + 5), {self.dice.choice(("bold", "italic")): {}})
        else:
            text.insert(at, self.dice.choice(WORDS)[: self.dice.randint(1, 5)])


class Story:
    """A thread on the words of a room. `ids`: the characters that it is on."""

    def __init__(self, api: ApiHarness, path: str, room: TextRoom | PageRoom, comment: str) -> None:
        self.api, self.path, self.room, self.comment = api, path, room, comment
        self.ids: set[Id] = set()
        self.whole = ""
        self.looks = self.orphans = 0

    async def settle(self) -> list[tuple[Id, str]]:
        """Wait until all have what all did; the visible characters."""
        peers = self.room.peers
        for peer in peers:
            await peer.saved()

        async def are_equal() -> bool:
            texts = {"".join(unit for _, unit in visible_ids(peer.doc.get_update())) for peer in peers}
            return len(texts) == 1 and letters(texts.pop()) == letters(without_tags(await self.content()))

        await until(are_equal, "the peers to have the same")
        return visible_ids(peers[0].doc.get_update())

    async def shown(self) -> str | None:
        """The words of the thread as REST tells them, None for an orphan."""
        anchor = (await self.api.viewer.get(f"/comments/{self.comment}")).json()["anchor"]
        assert anchor["orphaned"] == (anchor["start"] is None) == (anchor["relative_start"] is None)
        if anchor["start"] is None:
            return None
        return without_tags((await self.content())[anchor["start"] : anchor["end"]])

    async def content(self, version: int | None = None) -> str:
        path = f"{self.path}/content" if version is None else f"{self.path}/versions/{version}/content"
        return (await self.api.viewer.get(path, headers={"accept": "text/markdown"})).text

    async def restore(self, version: int) -> None:
        answer = await self.api.editor.post(f"{self.path}/versions/{version}/restore")
        assert answer.status_code == 200, answer.text
        assert await self.content() == await self.content(version)

    async def find_whole(self) -> None:
        """The thread is on all of its words, whichever characters these are now."""
        signs = await self.settle()
        text = "".join(unit for _, unit in signs)
        whole = self.room.quote.replace("\n", "")
        assert text.count(whole) == 1
        first = text.index(whole)
        self.ids = {id_ for id_, _ in signs[first : first + len(whole)]}
        shown = await self.shown()
        assert shown is not None and letters(shown) == letters(whole)

    async def look(self) -> None:
        """The thread is from its first to its last surviving character, and an orphan without one."""
        signs = await self.settle()
        places = [at for at, (id_, _) in enumerate(signs) if id_ in self.ids]
        shown = await self.shown()
        self.looks += 1
        if not places:
            self.orphans += 1
            assert shown is None
            return
        expected = "".join(unit for _, unit in signs[places[0] : places[-1] + 1])
        assert letters(shown or "") == letters(expected)

    async def edit(self, count: int, *, outside: bool) -> None:
        for number in range(1, count + 1):
            self.room.edit(outside=outside)
            if number % 10 == 0:
                await self.room.dice.choice(self.room.peers).saved()
            if number % LOOK_EVERY == 0:
                await self.look()
                if outside:
                    await self.find_whole()


def without_tags(text: str) -> str:
    return re.sub("</?[a-z]+>", "", text)


@asynccontextmanager
async def three(api: ApiHarness, document: dict[str, Any]) -> AsyncIterator[list[Peer]]:
    people = (api.owner, api.admin, api.other)
    peers = [Peer(api.server, f, document["id"], token=p.token) for f, p in zip(FAMILIES, people, strict=True)]
    for peer in peers:
        await peer.sync()
    try:
        yield peers
    finally:
        for peer in peers:
            await peer.close()


@pytest.mark.parametrize("kind", [TextRoom, PageRoom])
async def test_a_thread_on_40_words_follows_them_through_edits_of_three_people_and_restores(
    tmp_path: Path, kind: type[TextRoom | PageRoom]
) -> None:
    seed = choose_seed()
    async with open_api(tmp_path, fold_updates=200) as api:
        document = await api.make()
        path = f"/documents/{document['id']}"
        async with three(api, document) as peers:
            room = kind(random.Random(seed), peers)
            room.begin()
            await peers[0].saved()
            comment = (await say(api.commenter, document["id"], "These", anchor={"quote": room.quote}))["id"]
            story = Story(api, path, room, comment)
            await story.find_whole()
            for _ in range(EDITS // ROUND):
                await story.edit(ROUND // 3, outside=True)
                version = (await api.editor.post(f"{path}/versions", json={})).json()["number"]
                await story.edit(ROUND - ROUND // 3, outside=False)
                await story.look()
                await story.restore(version)
                await story.find_whole()
            print(f"{EDITS} edits, {story.looks} looks, {story.orphans} of them at an orphan")
            assert story.looks >= EDITS // ROUND * 4
