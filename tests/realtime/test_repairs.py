"""Line ends that the server puts right in a document that is open."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

from pycrdt import Doc, Text

from collab_server.adapters.fair_queue import FairQueue
from collab_server.core.room.entries import Author
from collab_server.errors import TooMuchWork
from collab_server.realtime.rest_edits import RestEdits


def typed(text: str) -> Doc[Text]:
    doc: Doc[Text] = Doc()
    doc.get("content", type=Text).insert(0, text)
    return doc


class Desk:
    """A document with this content that has carriage returns, and what is written to it."""

    def __init__(self, doc: Doc[Text], error: Exception | None = None) -> None:
        self.going = asyncio.Event()
        self.going.set()
        self.taken: list[tuple[bytes, Author]] = []
        self.error = error
        self.document = SimpleNamespace(
            id=uuid4(),
            has_returns=True,
            edit_queue=FairQueue(1),
            revision=0,
            replaced=False,
            room=SimpleNamespace(parts=lambda: [doc.get_update()], clocks={}),
            apply_edit=self.take,
        )
        hub: Any = SimpleNamespace(check_open=lambda: None, new_key=lambda: 1)
        loader: Any = SimpleNamespace(load=self.load)
        workers: Any = SimpleNamespace(run=self.run)
        unused: Any = None
        self.edits = RestEdits(hub, loader, unused, unused, unused, unused, workers)

    def take(self, update: bytes, _summary: object, _sender: int, author: Author, **_: object) -> None:
        self.taken.append((update, author))

    async def load(self, _: object) -> None:
        pass

    async def run(self, function: Any, *args: Any) -> Any:
        await self.going.wait()
        if self.error is not None:
            raise self.error
        return function(*args)

    async def repair(self) -> None:
        await self.edits.repair(cast(Any, self.document))


async def test_a_repair_is_one_edit_in_the_name_of_the_server() -> None:
    doc = typed("one\r\ntwo")
    desk = Desk(doc)
    await desk.repair()
    await desk.repair()
    [(update, author)] = desk.taken
    assert author == Author(None, "line ends")
    doc.apply_update(update)
    assert str(doc.get("content", type=Text)) == "one\ntwo"


async def test_who_opens_the_document_meanwhile_waits_for_the_repair() -> None:
    desk = Desk(typed("one\rtwo"))
    desk.going.clear()
    async with asyncio.TaskGroup() as tasks:
        both = [tasks.create_task(desk.repair()) for _ in range(2)]
        for _ in range(20):
            await asyncio.sleep(0)
        assert not any(one.done() for one in both)
        assert desk.document.has_returns
        desk.going.set()
    assert len(desk.taken) == 1


async def test_a_document_that_cannot_be_repaired_is_opened_as_it_is() -> None:
    for error in (TooMuchWork("it takes too long"), AssertionError("a fault of ours")):
        desk = Desk(typed("one\r\ntwo"), error)
        await desk.repair()
        assert (desk.taken, desk.document.has_returns) == ([], False)
