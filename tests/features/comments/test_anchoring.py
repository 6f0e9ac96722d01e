"""Anchors of comments in a running server's rooms: they are put on text, found again, saved, and carried over."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pycrdt
import pytest
import pytest_asyncio
from pydantic import ValidationError

from collab_server.core.anchors.anchor import decode_anchor
from collab_server.core.anchors.locating import Located
from collab_server.core.anchors.wishes import OffsetWish, QuoteWish, RelativeWish
from collab_server.core.documents.apply_edit import content_hash
from collab_server.core.documents.new_text import new_text_document
from collab_server.core.room.entries import Author
from collab_server.errors import BaseUnknown, DocumentDamaged, NotFound, PreconditionFailed, UnprocessableContent
from collab_server.features.comments import anchor_queries
from collab_server.features.comments.anchor_models import AnchorIn
from collab_server.features.comments.anchoring import PlacedAnchor, StoredAnchor, Where, locate_anchors, place_anchor
from collab_server.features.content import merge_base_queries
from collab_server.features.document_log import store
from collab_server.features.documents import creation
from collab_server.features.history.compacting import compact_history
from collab_server.security import base64url
from collab_server.services import Services
from collab_server.settings import Settings
from tests import databases
from tests.site import PLAYGROUND

TEXT = "one two three four"


class Site:
    """The services of a process, and a document with comments."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.db, self.rooms, self.workers = services.db, services.rooms, services.editing
        self.document = uuid4()

    async def make(self, text: str = TEXT) -> None:
        made = new_text_document(text, 7)
        said = made.projection
        state = store.State(made.snapshot, made.state_vector, said.content, said.words, said.truncated)
        async with self.db.as_user(None) as conn:
            self.document = await creation.make(
                conn, PLAYGROUND, Author(None), {"title": "T"}, [], state, max_bytes=64_000_000
            )

    async def doc(self) -> pycrdt.Doc[pycrdt.Text]:
        update, _ = await self.rooms.edits.missing(self.document, b"\0")
        doc = pycrdt.Doc[pycrdt.Text]()
        doc["content"] = pycrdt.Text()
        doc.apply_update(update)
        return doc

    async def edit(self, *edits: tuple[int, int, str]) -> None:
        """Replace text from start to end, one after another."""
        doc = await self.doc()
        before, text = doc.get_state(), doc["content"]
        for start, end, new in edits:
            if start < end:
                del text[start:end]
            if new:
                text.insert(start, new)
        await self.rooms.append(self.document, doc.get_update(before), Author(None))

    async def place(self, quote: str) -> PlacedAnchor:
        return await place_anchor(self.db, self.rooms, self.workers, self.document, QuoteWish(quote))

    async def comment(self, quote: str) -> UUID:
        return await self.save(await self.place(quote))

    async def save(self, placed: PlacedAnchor) -> UUID:
        async with self.db.as_service() as conn:
            made: UUID = await conn.fetchval(
                "INSERT INTO comments (document_id, workspace_id, content, content_html, yjs_anchor, anchor_text, "
                "position, anchor_generation, anchor_seq) "
                "VALUES ($1, $2, 'c', 'c', $3, $4, jsonb_build_object('start', $5::int, 'end', $6::int), $7, $8) "
                "RETURNING id",
                self.document,
                UUID(str(PLAYGROUND)),
                placed.anchor,
                placed.text,
                placed.start,
                placed.end,
                placed.generation,
                placed.seq,
            )
        return made

    async def row(self, comment: UUID) -> Any:
        async with self.db.as_service() as conn:
            return await conn.fetchrow(
                "SELECT *, (position ->> 'start')::int AS start, (position ->> 'end')::int AS stop FROM comments "
                "WHERE id = $1",
                comment,
            )

    async def stored(self, comment: UUID) -> StoredAnchor:
        row = await self.row(comment)
        position = None if row["start"] is None else (row["start"], row["stop"])
        return StoredAnchor(
            comment,
            row["yjs_anchor"],
            row["anchor_text"],
            position,
            row["anchor_generation"],
            row["anchor_seq"],
        )

    async def locate(self, *comments: UUID) -> dict[UUID, Where]:
        stored = [await self.stored(comment) for comment in comments]
        return await locate_anchors(self.db, self.rooms, self.workers, self.document, stored)

    async def changes(self, comment: UUID) -> int:
        async with self.db.as_service() as conn:
            count: int = await conn.fetchval("SELECT count(*) FROM sync_log WHERE entity_id = $1", comment)
            return count


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def services(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Services]:
    async with databases.migrated() as database:
        settings = Settings(data_dir=tmp_path_factory.mktemp("anchors"), guest_role="editor")
        running = Services(settings, database.login_dsn)
        async with running.run():
            yield running


@pytest_asyncio.fixture(loop_scope="session")
async def site(services: Services) -> Site:
    made = Site(services)
    await made.make()
    return made


async def test_an_anchor_follows_its_words_and_its_place_is_saved(site: Site) -> None:
    comment = await site.comment("three")
    await site.edit((0, 0, "zero "))
    found = (await site.locate(comment))[comment]
    assert (found.start, found.end, found.orphaned) == (13, 18, False)
    assert found.relative_start and found.relative_end
    row = await site.row(comment)
    assert (row["start"], row["stop"], row["row_version"]) == (13, 18, 1)
    assert (await site.changes(comment)) == 1


async def test_words_that_go_and_come_back_are_two_changes_of_the_comment(site: Site) -> None:
    comment = await site.comment("three")
    await site.edit((8, 14, ""))
    found = (await site.locate(comment))[comment]
    assert found == Where(None, None, True, None, None)
    assert (await site.row(comment))["row_version"] == 2
    await site.edit((8, 8, "three "))
    found = (await site.locate(comment))[comment]
    assert (found.start, found.end, found.orphaned) == (8, 13, False)
    row = await site.row(comment)
    assert (row["start"], row["row_version"]) == (8, 3)
    assert await site.changes(comment) == 3


async def test_nothing_runs_while_the_document_stays_as_it_is(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = await site.comment("one"), await site.comment("two")
    first = await site.locate(one, two)

    async def missing(*_: object) -> None:
        raise AssertionError("the document was read again")

    monkeypatch.setattr(site.rooms.edits, "missing", missing)
    assert await site.locate(two) == {two: first[two]}
    monkeypatch.undo()
    await site.edit((0, 0, "- "))
    assert (await site.locate(two))[two].start == 6


async def test_an_older_reader_does_not_move_an_anchor_back(site: Site) -> None:
    comment = await site.comment("three")
    old = await site.stored(comment)
    await site.edit((0, 0, "zero "))
    await site.locate(comment)
    newer = await site.row(comment)
    [late] = [each for each in (await site.locate(comment)).values()]
    located = Located(old.anchor, False, 8, 13, late.relative_start, late.relative_end)
    async with site.db.as_service() as conn:
        await anchor_queries.save_anchors(
            conn, site.document, [anchor_queries.CommentAnchor(comment, old.anchor)], [located], old.generation, old.seq
        )
    row = await site.row(comment)
    assert (row["start"], row["anchor_seq"]) == (13, newer["anchor_seq"])


async def test_readers_at_once_save_the_same(site: Site) -> None:
    comments = [await site.comment(quote) for quote in ("one", "two", "three")]
    for number in range(5):
        await site.edit((0, 0, "x"))
        found = await asyncio.gather(*(site.locate(*comments) for _ in range(4)))
        for each in found:
            assert [each[comment].start for comment in comments] == [number + 1, number + 5, number + 9]
    assert [(await site.row(comment))["start"] for comment in comments] == [5, 9, 13]


async def scribble(site: Site) -> None:
    """Deletions between characters: a copy of the document is much smaller."""
    end = len(str((await site.doc())["content"]))
    await site.edit((end, end, "x" * 3000), *((index, index + 1, "") for index in range(end + 2999, end, -2)))


async def test_compaction_carries_anchors_over(site: Site) -> None:
    kept, gone = await site.comment("three"), await site.comment("two")
    await site.edit((4, 8, ""), (0, 0, "zero "))
    await scribble(site)
    done = await compact_history(site.db, site.rooms, site.workers, None, site.document)
    row = await site.row(kept)
    assert (row["start"], row["anchor_generation"], row["anchor_seq"]) == (9, 1, done.seq)
    found = await site.locate(kept, gone)
    assert (found[kept].start, found[kept].end) == (9, 14)
    assert found[gone].orphaned
    assert decode_anchor((await site.row(gone))["yjs_anchor"]).quote == "two"
    await site.edit((9, 9, "two "))
    found = await site.locate(kept, gone)
    assert (found[kept].start, found[gone].start) == (13, 9)


async def test_an_anchor_that_was_put_on_a_former_generation_is_brought_up(site: Site) -> None:
    placed = await site.place("three")
    await scribble(site)
    await compact_history(site.db, site.rooms, site.workers, None, site.document)
    comment = await site.save(placed)
    await site.edit((0, 0, "zero "))
    found = (await site.locate(comment))[comment]
    assert (found.start, found.end) == (13, 18)
    row = await site.row(comment)
    assert (row["start"], row["anchor_generation"]) == (13, 1)


async def test_offsets_of_a_text_that_is_remembered_are_carried_over(site: Site) -> None:
    update, _ = await site.rooms.edits.missing(site.document, b"\0")
    wanted = OffsetWish(8, 13, content_hash(TEXT))
    state = pycrdt.get_state(update)
    async with site.db.as_service() as conn:
        await merge_base_queries.save_base(conn, site.document, wanted.content_hash, TEXT, state)
    await site.edit((0, 0, "zero "))
    placed = await place_anchor(site.db, site.rooms, site.workers, site.document, wanted)
    assert (placed.text, placed.start, placed.end) == ("three", 13, 18)
    with pytest.raises(BaseUnknown):
        other = replace(wanted, content_hash="0" * 64)
        await place_anchor(site.db, site.rooms, site.workers, site.document, other)
    await site.edit((14, 15, ""))
    with pytest.raises(PreconditionFailed):
        await place_anchor(site.db, site.rooms, site.workers, site.document, wanted)


async def test_where_there_is_no_text_places_stay_and_nothing_is_put_on_it(site: Site) -> None:
    comment = await site.comment("three")
    async with site.db.as_service() as conn:
        await conn.execute(
            "UPDATE documents SET type = 'password', content = '', yjs_state = NULL WHERE id = $1", site.document
        )
    with pytest.raises(UnprocessableContent, match="encrypted"):
        await site.place("two")
    assert (await site.locate(comment))[comment] == Where(8, 13, False, None, None)


async def test_where_a_document_is_damaged_places_stay(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    comment = await site.comment("three")

    async def missing(*_: object) -> None:
        raise DocumentDamaged("a row is missing")

    monkeypatch.setattr(site.rooms.edits, "missing", missing)
    assert (await site.locate(comment))[comment] == Where(8, 13, False, None, None)
    with pytest.raises(DocumentDamaged):
        await site.place("two")


async def test_a_document_that_is_not_there_is_not_found(site: Site) -> None:
    stored = await site.stored(await site.comment("three"))
    for asked in (
        place_anchor(site.db, site.rooms, site.workers, uuid4(), QuoteWish("a")),
        locate_anchors(site.db, site.rooms, site.workers, uuid4(), [stored]),
    ):
        with pytest.raises(NotFound):
            await asked
    assert await locate_anchors(site.db, site.rooms, site.workers, uuid4(), []) == {}


HASH = "a" * 64
VECTOR = base64url.encode(b"\0")
PLACE = base64url.encode(b"\0\1\1\0")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "an anchor is"),
        ({"prefix": "a"}, "an anchor is"),
        ({"quote": " \n"}, "no visible character"),
        ({"quote": "a", "content_hash": HASH}, "`content_hash` does not stand beside `quote`"),
        ({"start": 1, "content_hash": HASH}, "`end` is missing beside `start`"),
        ({"to": 1, "content_hash": HASH}, "`from` is missing beside `to`"),
        ({"start": 1, "end": 2}, "one of `content_hash` and `state_vector`"),
        ({"start": 1, "end": 2, "content_hash": HASH, "state_vector": VECTOR}, "one of"),
        ({"start": 2, "end": 2, "content_hash": HASH}, "`start` must be less than `end`"),
        ({"start": 1, "end": 2, "from": 1, "to": 2, "content_hash": HASH}, "`start` and `from` are of different forms"),
        ({"start": 1, "end": 2, "content_hash": HASH, "suffix": "a"}, "`suffix` does not stand beside `start`"),
        ({"relative_start": PLACE, "relative_end": PLACE, "quote": "a"}, "`quote` does not stand beside"),
        ({"relative_start": PLACE}, "`relative_end` is missing"),
        ({"relative_start": PLACE, "relative_end": "!"}, "`relative_end` is not base64url"),
        ({"relative_start": VECTOR, "relative_end": PLACE}, "`relative_start` is no relative position"),
        ({"start": 1, "end": 2, "state_vector": PLACE}, "`state_vector` is no state vector"),
        ({"start": -1, "end": 2, "content_hash": HASH}, "greater than or equal to 0"),
        ({"quote": "a", "where": 1}, "Extra inputs"),
    ],
)
def test_forms_that_are_mixed_or_not_complete_are_refused(body: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError) as refused:
        AnchorIn.model_validate(body)
    assert why in str(refused.value)


def test_each_form_is_read() -> None:
    def read(**body: object) -> object:
        return AnchorIn.model_validate(body).wish()

    assert read(quote="a", prefix="b") == QuoteWish("a", "b")
    assert read(start=1, end=2, content_hash=HASH) == OffsetWish(1, 2, HASH)
    assert read(**{"from": 0, "to": 2, "state_vector": VECTOR, "quote": "x"}) == OffsetWish(
        0, 2, "", b"\0", is_nodes=True, quote="x"
    )
    assert read(relative_start=PLACE, relative_end=PLACE) == RelativeWish(b"\0\1\1\0", b"\0\1\1\0")
