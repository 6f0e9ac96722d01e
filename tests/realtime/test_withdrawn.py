"""A right that is withdrawn while a large edit is being read by a worker: the edit does not get in."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest
from pycrdt import Doc, Text

from collab_server.adapters.websocket.token_bucket import TokenBucket
from collab_server.core.protocol.messages import SyncStep2, Update
from collab_server.errors import StaleGeneration
from collab_server.realtime.documents.document_connection import READ_ONLY
from collab_server.realtime.documents.limits import LARGE_UPDATE
from collab_server.realtime.loader import Loader
from collab_server.realtime.sessions.message_handler import handle_message
from tests.realtime.document_harness import DocumentHarness, session_of, text_at

BUDGET = TokenBucket(1000, 10_000)

T = TypeVar("T")


class SlowWorkers:
    """Answers when it is let."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        self.asked.set()
        await self.may_answer.wait()
        return work(*arguments)


def service_with(workers: SlowWorkers) -> Any:
    nothing: Any = None
    loader = Loader(nothing, cast(Any, workers), nothing, nothing, nothing, nothing, nothing, nothing)
    return SimpleNamespace(hub=SimpleNamespace(draining=False), workers=workers, loader=loader)


def large(text: str = "x") -> bytes:
    doc: Doc[Text] = Doc()
    doc.get("content", type=Text).insert(0, text * (LARGE_UPDATE + 1))
    return doc.get_update()


@pytest.mark.parametrize("kind", [Update, SyncStep2])
@pytest.mark.parametrize("withdrawn", ["demoted", "shown out", "nothing"])
async def test_a_large_edit_counts_by_the_rights_at_its_end(kind: type[Update | SyncStep2], withdrawn: str) -> None:
    desk = DocumentHarness()
    author, reader = desk.seat(), desk.seat()
    workers = SlowWorkers()
    service: Any = service_with(workers)
    pending = handle_message(service, desk.document, author, kind(large()), BUDGET, with_step1=False)
    assert pending is not None
    task = asyncio.ensure_future(pending)
    await workers.asked.wait()
    if withdrawn == "demoted":
        author.can_edit = False
    elif withdrawn == "shown out":
        desk.document.leave(author)
    workers.may_answer.set()
    await task
    desk.turn()
    if withdrawn == "nothing":
        assert len(text_at(reader)) > LARGE_UPDATE
        assert session_of(author).refused == []
        return
    assert text_at(reader) == ""
    assert desk.document.room.saved
    assert session_of(author).refused == ([READ_ONLY] if withdrawn == "demoted" else [])


async def test_who_is_told_that_a_document_is_over_cannot_edit_it_any_more() -> None:
    desk = DocumentHarness()
    author, reader = desk.seat(), desk.seat()
    workers = SlowWorkers()
    service: Any = service_with(workers)
    pending = handle_message(service, desk.document, author, Update(large()), BUDGET, with_step1=False)
    assert pending is not None
    task = asyncio.ensure_future(pending)
    await workers.asked.wait()
    desk.document.end(StaleGeneration())
    workers.may_answer.set()
    await task
    assert desk.document.room.saved
    assert text_at(reader) == ""
