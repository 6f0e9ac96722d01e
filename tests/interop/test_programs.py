"""People with the stock providers, and programs that edit the same text over REST."""

import os
import random
import time
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from tests.interop.harness import FAMILIES, NodeClient, NodeClients
from tests.require import needs
from tests.seeds import choose_seed
from tests.server import Server
from tests.waiting import until

ROUNDS = int(os.environ.get("COLLAB_PATCH_ROUNDS", "100"))
ITEMS = 40
STALE = 6
"""Edits after which the program reads the text again, at the latest."""
FIRST = {"yws": 0x4E00, "hocus": 0x20000}
"""Of the characters that each person types, every one once: the second one's are two UTF-16 units each."""
ITEMS_OF_PEOPLE = (10, 20)
CARETS = {"yws": 0, "hocus": -1}


class Program:
    """Edits a document over REST, by a text that it has read some edits ago. `counters`: what it wrote last."""

    def __init__(self, client: httpx.AsyncClient, path: str, dice: random.Random) -> None:
        self.client, self.path, self.dice = client, path, dice
        self.text, self.etag, self.age = "", "", 0
        self.counters = dict.fromkeys(range(ITEMS), 0)
        self.added: list[str] = []
        self.seconds: dict[str, list[float]] = {}
        self.merged = 0
        # Whose counters are as in the text: two changes of the same characters would both be there.
        self._unchanged = set(self.counters)

    async def read(self) -> None:
        answer = await self.client.get(self.path)
        assert answer.status_code == 200, answer.text
        self._know(answer.text, answer.headers["etag"])

    def _know(self, text: str, etag: str) -> None:
        self.text, self.etag, self.age = text, etag, 0
        self._unchanged = set(self.counters)

    async def edit(self, number: int) -> None:
        if self.age >= STALE:
            await self.read()
        self.age += 1
        written = await getattr(self, self.dice.choice(("put", "patch", "splice", "append", "insert")))(number)
        if written.get("content") is not None and self.dice.random() < 0.3:
            self._know(written["content"], f'"{written["content_hash"]}"')

    async def put(self, number: int) -> dict[str, Any]:
        wanted = self.text
        for old, new in self._counts(number):
            wanted = wanted.replace(old, new)
        headers = {"if-match": self.etag, "content-type": "text/markdown"}
        return await self._send("PUT", "", headers=headers, content=wanted.encode())

    async def patch(self, number: int) -> dict[str, Any]:
        edits: list[dict[str, object]] = [{"find": old, "replace": new} for old, new in self._counts(number)]
        return await self._patch(edits or [{"find": "# Plan", "replace": "# Plan"}])

    async def splice(self, number: int) -> dict[str, Any]:
        """A new line, at a place in the text that was read."""
        return await self._patch(
            [{"at": self.text.index(f"- item {number % ITEMS:02} "), "insert": self._line(number)}]
        )

    async def _patch(self, edits: list[dict[str, object]]) -> dict[str, Any]:
        headers = {"if-match": self.etag, "prefer": "return=representation"}
        return await self._send("PATCH", "", headers=headers, json={"edits": edits})

    async def append(self, number: int) -> dict[str, Any]:
        return await self._send("POST", "/append", json={"content": self._line(number), "between": "line"})

    async def insert(self, number: int) -> dict[str, Any]:
        body = {"content": self._line(number), "heading": ["Plan", "Tasks"], "position": "start", "between": "line"}
        return await self._send("POST", "/insert", json=body)

    def _line(self, number: int) -> str:
        self.added.append(f"<added {number}>")
        return f"{self.added[-1]}\n"

    def _counts(self, number: int) -> list[tuple[str, str]]:
        """What stands beside some counters, the people's among them, and what is to stand there instead."""
        changes = []
        for item in {*ITEMS_OF_PEOPLE, number % ITEMS} & self._unchanged:
            was, self.counters[item] = self.counters[item], number + 1
            changes.append((f"| note {item:02} ({was})", f"| note {item:02} ({number + 1})"))
            self._unchanged.discard(item)
        return changes

    async def _send(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        begun = time.perf_counter()
        answer = await self.client.request(method, self.path + path, **request)
        self.seconds.setdefault(f"{method}{path}", []).append(time.perf_counter() - begun)
        assert answer.status_code == 200, answer.text
        written: dict[str, Any] = answer.json()
        self.merged += written["merged"]
        return written

    def report(self) -> str:
        everything = [second for some in self.seconds.values() for second in some]
        kinds = {"all": everything, **self.seconds}
        times = (f"{kind} {_ms(some, 0.5)}, {_ms(some, 0.95)}" for kind, some in sorted(kinds.items()))
        return f"{len(everything)} edits answered, {self.merged} merged; median and p95 in ms: {'; '.join(times)}"


def _ms(seconds: list[float], share: float) -> str:
    return f"{sorted(seconds)[int(len(seconds) * share)] * 1000:.1f}"


async def test_no_character_is_lost_while_a_program_edits_the_same_text(tmp_path: Path) -> None:
    needs("node")
    seed = choose_seed()
    lines = "".join(f"- item {item:02} : | note {item:02} (0)\n" for item in range(ITEMS))
    text = f"# Plan\n\n## Items\n\n{lines}\n## Tasks\n\n- none\n\n## Later\n\n- none\n"
    async with Server(tmp_path) as server, NodeClients() as node:
        token = await server.create_token("robot@example.org", name="Robot")
        people = [await node.open(server, family, "plan") for family in FAMILIES]
        await node.until(people, synced=True)
        document = await server.document("plan")
        async with httpx.AsyncClient(base_url=server.api, headers={"authorization": f"Bearer {token}"}) as client:
            program = Program(client, f"/documents/{document['id']}/content", random.Random(seed))
            await client.put(program.path, content=text.encode(), headers={"content-type": "text/markdown"})
            await node.until(people, text={"content": text})
            await program.read()
            for person, item in zip(people, ITEMS_OF_PEOPLE, strict=True):
                await person.command(
                    "startTyping",
                    root="content",
                    index=text.index(f"- item {item} : ") + len(f"- item {item} : "),
                    **{"from": FIRST[person.family]},
                    assoc=CARETS[person.family],
                    pause=30,
                    name=person.family,
                )
            for number in range(ROUNDS):
                await program.edit(number)
            typed = {person: await person.command("stopTyping") for person in people}
            await node.same(people)
            result = await people[0].text()
            assert await people[1].text() == result
            assert (await client.get(program.path)).text == result
            for person in people:
                before, after = await person.command("aroundCaret")
                assert before + after == result
                # The caret stands behind the character that was typed last.
                assert before.endswith(typed[person][-1]), (person.family, before[-20:], after[:20])
            assert await server.terminate() == 0
            await server.start()
            assert (await client.get(program.path)).text == result
        for person, first in zip(people, FIRST.values(), strict=True):
            assert [ord(character) for character in typed[person]] == list(range(first, first + len(typed[person])))
            own = set(typed[person])
            # Each once, in the order of typing, and in one line.
            assert "".join(character for character in result if character in own) == typed[person]
            [line] = [line for line in result.split("\n") if own & set(line)]
            assert own < set(line)
        assert [result.count(line) for line in program.added] == [1] * len(program.added)
        for item, count in program.counters.items():
            assert f"| note {item:02} ({count})" in result, (item, count)
        print(f"{sum(map(len, typed.values()))} characters typed; {program.report()}")
        assert program.merged > ROUNDS // 10


async def test_stock_clients_find_the_place_where_a_program_edits(server: Server, node: NodeClients, name: str) -> None:
    people = [await node.open(server, family, name) for family in FAMILIES]
    await node.until(people, synced=True)
    await people[0].append("# Öl 🙂\n\n- eins 🙂\n- zwei\n")
    await node.until(people, saved=True)
    async with httpx.AsyncClient(base_url=server.api) as client:
        document = await server.document(name)
        for find, replace, before in (
            ("eins", "uno", "# Öl 🙂\n\n- uno"),
            ("zwei", "zw漢ei 🙂", "# Öl 🙂\n\n- uno 🙂\n- zw漢ei 🙂"),
            (" 🙂\n\n", "\n\n", "# Öl"),
            ("# Öl", "Öl", ""),
            ("l\n", "🙂l\n", "Ö🙂"),
        ):
            answer = await client.patch(
                f"/documents/{document['id']}/content", json={"edits": [{"find": find, "replace": replace}]}
            )
            assert answer.status_code == 200, answer.text
            for person in people:
                await until(partial(_shows, person, before), f"the cursor of {person.family} after {before!r}")
    for person in people:
        await person.until(people=2)


async def _shows(person: NodeClient, before: str) -> bool:
    """One program is there, and its cursor stands after this text."""
    return list((await person.command("beforeCursors", root="content")).values()) == [before]
