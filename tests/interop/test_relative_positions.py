"""Anchors as relative positions: real Yjs reads those of the server, and the server reads those of real Yjs."""

import json
import os
import shutil
import subprocess
from base64 import b64decode, b64encode
from random import Random
from typing import Any

import pycrdt
import pytest

from collab_server.core.anchors.locating import locate
from collab_server.core.anchors.placing import place
from collab_server.core.anchors.relative_position import RelativePosition, decode_relative_position
from collab_server.core.anchors.wishes import OffsetWish, RelativeWish
from collab_server.core.documents.apply_edit import content_hash
from collab_server.core.documents.projection import project
from tests.core.fragments import Fragment, element, p
from tests.interop.harness import FOLDER, install

SEED = int(os.environ.get("COLLAB_TEST_SEED", "5"))


@pytest.fixture(params=["yjs", "yjs-14"])
def package(request: pytest.FixtureRequest) -> str:
    install()
    return str(request.param)


def ask(package: str, update: bytes, root: str, positions: list[bytes], *, fragment: bool) -> list[dict[str, Any]]:
    question = {
        "update": b64encode(update).decode(),
        "root": root,
        "fragment": fragment,
        "positions": [b64encode(each).decode() for each in positions],
    }
    done = subprocess.run(
        [shutil.which("node") or "node", "relative_positions.mjs", package],
        cwd=FOLDER,
        input=json.dumps(question) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    answer: list[dict[str, Any]] = json.loads(done.stdout)
    return answer


def random_text(random: Random) -> bytes:
    docs = [pycrdt.Doc[pycrdt.Text](client_id=number) for number in (70_000, 5, 4_000_000_000)]
    for doc in docs:
        doc["content"] = pycrdt.Text()
    for _ in range(150):
        doc = random.choice(docs)
        text = doc["content"]
        size = len(str(text))
        at = random.randint(0, size)
        if size > 20 and random.random() < 0.4:
            del text[at : min(size, at + random.randint(1, 5))]
        else:
            text.insert(at, "abcdefg"[: random.randint(1, 7)])
        for other in docs:
            if other is not doc and random.random() < 0.4:
                other.apply_update(doc.get_update())
    for doc in docs[1:]:
        docs[0].apply_update(doc.get_update())
    update: bytes = docs[0].get_update()
    return update


def test_yjs_and_the_server_mean_the_same_places_of_a_text(package: str) -> None:
    random = Random(SEED)
    for _ in range(3):
        update = random_text(random)
        content = project(update).content
        wishes = [sorted(random.sample(range(len(content) + 1), 2)) for _ in range(12)]
        anchors = [place(update, OffsetWish(start, end, content_hash(content))).anchor for start, end in wishes]
        located = locate(update, anchors)
        ends = [end for each in located for end in (each.relative_start, each.relative_end) if end is not None]
        answers = ask(package, update, "content", ends, fragment=False)
        assert [answer["index"] for answer in answers] == [end for wish in wishes for end in wish], SEED
        assert [b64decode(answer["again"]) for answer in answers] == ends
        assert [b64decode(answer["mine"]) for answer in answers] == ends
        for (start, end), first, last in zip(wishes, answers[::2], answers[1::2], strict=True):
            placed = place(update, RelativeWish(b64decode(first["mine"]), b64decode(last["mine"])))
            assert (placed.start, placed.end) == (start, end), SEED


def test_yjs_and_the_server_mean_the_same_places_of_deleted_characters(package: str) -> None:
    random = Random(SEED)
    for _ in range(3):
        update = random_text(random)
        ids = [RelativePosition(item=(5, clock), behind=random.random() < 0.5) for clock in range(0, 60, 3)]
        answers = ask(package, update, "content", [each.encode() for each in ids], fragment=False)
        for position, answer in zip(ids, answers, strict=True):
            if not answer["index"]:
                continue
            start = RelativePosition(root="content", behind=True).encode()
            assert place(update, RelativeWish(start, position.encode())).end == answer["index"], (SEED, position)


def test_yjs_reads_the_ends_of_an_anchor_in_a_fragment(package: str) -> None:
    fragment = Fragment(p("one two"), element("bulletList", element("listItem", p("three four"))))
    content = fragment.markdown
    start, end = content.index("two"), content.index(" four")
    [located] = locate(fragment.update, [place(fragment.update, OffsetWish(start, end, content_hash(content))).anchor])
    assert located.relative_start and located.relative_end
    ends = [located.relative_start, located.relative_end]
    answers = ask(package, fragment.update, "default", ends, fragment=True)
    assert [answer["index"] for answer in answers] == [4, 5]
    assert [b64decode(answer["mine"]) for answer in answers] == ends


def test_the_end_of_a_text_is_read_as_yjs_encodes_it(package: str) -> None:
    doc = pycrdt.Doc[pycrdt.Text](client_id=7)
    doc["content"] = pycrdt.Text("abc")
    update: bytes = doc.get_update()
    end = RelativePosition(root="content").encode()
    [answer] = ask(package, update, "content", [end], fragment=False)
    assert (answer["index"], b64decode(answer["mine"])) == (3, end)
    assert decode_relative_position(end) == RelativePosition(root="content")
