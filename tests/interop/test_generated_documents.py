"""What Yjs clients have written comes back equal in value and type, whatever the server did with the bytes."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from collab_server.core.documents.compaction import compact
from collab_server.core.room.entries import Author, Stored
from collab_server.core.room.room import Room
from collab_server.core.yjs import updates
from collab_server.core.yjs.split_update import Piece, split_incoming
from tests.interop.harness import FOLDER, install

DOCUMENTS = int(os.environ.get("COLLAB_GENERATED_DOCUMENTS", "300"))
SEED = int(os.environ.get("COLLAB_GENERATED_SEED", "1"))
BATCH = 100
NOBODY = Author(None)


class Yjs:
    """The process of generated.mjs. `package`: a version of Yjs in package.json."""

    def __init__(self, package: str) -> None:
        install()
        self._process = subprocess.Popen(
            [shutil.which("node") or "node", "generated.mjs", package],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, question: dict[str, Any]) -> Any:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(params=["yjs", "yjs-14"])
def yjs(request: pytest.FixtureRequest) -> Iterator[Yjs]:
    process = Yjs(request.param)
    yield process
    process.close()


class Server:
    """Takes updates as a server does: into a room, in turns, into the log, and now and then into a snapshot."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.room = Room(2**26)
        self.room.begin_load()
        self.room.finish_load(Stored(updates.EMPTY_UPDATE, b"\0", 0))
        self.snapshot: bytes | None = None
        self.rows: list[bytes] = []
        self.head = 0
        self.turns: list[bytes] = []

    def take(self, sent: list[bytes]) -> None:
        """One turn and one commit."""
        news = []
        for update in sent:
            for piece, summary in self.pieces(update):
                new = self.room.receive(piece, summary, 1, NOBODY, compare_deletes=self.random.random() < 0.5)
                news += [new] if new is not None else []
        if news:
            self.turns.append(updates.merge(news))
        rows = [entry.update for entry in self.room.begin_commit() if entry.update is not None]
        rows = [updates.merge(rows)] if rows else []
        self.head += len(rows)
        self.rows += rows
        self.room.commit_succeeded(rows, self.head)

    def pieces(self, update: bytes) -> list[Piece]:
        """As a whole, or cut as very large ones are."""
        if self.random.random() < 0.8:
            return [(update, updates.validate(update))]
        return split_incoming(update, self.room.clocks, self.random.randint(20, 200))

    def fold(self) -> None:
        self.room.begin_load()
        folded = compact(self.snapshot, self.rows)
        updates.validate(folded.snapshot)
        self.snapshot, self.rows = folded.snapshot, []
        self.room.finish_fold(Stored(folded.snapshot, folded.state_vector, self.head))


def results(document: dict[str, Any], random: Random) -> list[dict[str, Any]]:
    sent = [base64.b64decode(update) for update in document["updates"]]
    server = Server(random)
    while sent:
        count = random.randint(1, 4)
        server.take(sent[:count])
        sent = sent[count:]
        if random.random() < 0.2:
            server.fold()

    def found(name: str, after: int, given: list[bytes]) -> dict[str, Any]:
        return {"name": name, "after": after, "given": [base64.b64encode(one).decode() for one in given]}

    made = [
        found("turns", 0, server.turns),
        found("joining", 0, list(server.room.answer(b"\0"))),
        found("reading again", 0, [updates.merge([*([server.snapshot] if server.snapshot else []), *server.rows])]),
    ]
    for state in document["states"]:
        vector = base64.b64decode(state["vector"])
        made.append(found("coming back", state["after"], list(server.room.answer(vector))))
    server.fold()
    assert server.snapshot is not None
    made.append(found("folded", 0, [server.snapshot]))
    for state in document["states"]:
        vector = base64.b64decode(state["vector"])
        made.append(found("coming back to folded", state["after"], [updates.diff(server.snapshot, vector)]))
    return made


def test_documents_come_back_equal_in_values_and_types(yjs: Yjs) -> None:
    for first in range(SEED, SEED + DOCUMENTS, BATCH):
        documents = yjs.ask({"seed": first, "count": min(BATCH, SEED + DOCUMENTS - first)})
        answers = [results(document, Random(first + index)) for index, document in enumerate(documents)]
        assert yjs.ask({"results": answers}) == []
