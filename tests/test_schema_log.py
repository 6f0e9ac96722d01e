"""The log in PostgreSQL: append, load, compaction, what is left to do, and the search that follows."""

import hashlib
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from collab_server.features.document_log import log_queries
from tests import databases
from tests.site import PLAYGROUND, Site, open_site

NO_FLAG = "UPDATE documents SET content_has_returns = NULL WHERE id = $1"
"""As for texts that were stored before version 35."""


@pytest.fixture(params=databases.VERSIONS)
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with open_site(request.param) as site:
        yield site


async def test_append_numbers_each_document_without_gaps(site: Site) -> None:
    other = await site.document(PLAYGROUND)
    assert await site.append((site.plan, b"a"), (site.plan, b"b")) == [(site.plan, 1, 2)]
    both = await site.append((other, b"x"), (site.plan, b"c"), (other, b"y"))
    assert both == [(other, 1, 2), (site.plan, 3, 3)]
    rows = "SELECT array_agg(payload ORDER BY seq) FROM document_updates WHERE document_id = $1"
    assert await site.owner.fetchval(rows, site.plan) == [b"a", b"b", b"c"]
    assert await site.owner.fetchval(rows, other) == [b"x", b"y"]


async def test_append_keeps_who_wrote_with_which_clients_on_which_device(site: Site) -> None:
    append = "SELECT head_seq FROM app.append_updates($1, $2, $3, $4, $5)"
    ann, document = site.people["ann"], await site.document(PLAYGROUND)
    for documents in ([site.plan, site.plan], [site.plan, document]):
        await site.run(
            "server", append, documents, [b"a", b"b"], [ann, None], ["{1,9007199254740991}", None], ["d", None]
        )
    rows = await site.owner.fetch("SELECT actor_id, client_ids, device_id FROM document_updates ORDER BY seq, actor_id")
    written, anonymous = (ann, [1, 9007199254740991], "d"), (None, None, None)
    assert sorted(map(tuple, rows), key=repr) == sorted([written, anonymous] * 2, key=repr)


async def test_append_leaves_out_documents_that_are_gone_or_deleted(site: Site) -> None:
    deleted, purged = await site.document(PLAYGROUND), UUID(int=99)
    await site.owner.execute("UPDATE documents SET deleted_at = now() WHERE id = $1", deleted)
    assert await site.append((deleted, b"x")) == []
    assert await site.append((purged, b"x")) == []
    assert await site.append((purged, b"x"), (site.plan, b"a"), (deleted, b"x")) == [(site.plan, 1, 1)]
    assert await site.owner.fetchval("SELECT count(*) FROM document_updates") == 1
    assert await site.value("server", "SELECT count(*) FROM app.load_document($1)", deleted) == 0


async def test_load_returns_state_and_tail_in_order(site: Site) -> None:
    await site.append((site.plan, b"a"), (site.plan, b"b"), (site.plan, b"c"))
    load = "SELECT * FROM app.load_document($1)"
    async with site.acting("server") as conn:
        [loaded] = await conn.fetch(load, site.plan)
    assert dict(loaded) == {
        "workspace_id": site.team,
        "type": "markdown",
        "generation": 0,
        "yjs_state": None,
        "yjs_clock": 0,
        "head_seq": 3,
        "pending": [b"a", b"b", b"c"],
    }
    async with site.acting("eve") as conn:
        assert await conn.fetchrow(load, site.plan) is None


async def test_compaction_replaces_state_text_and_tail_at_once(site: Site) -> None:
    text = "needle \\d+ 数据库"
    await site.append((site.plan, b"a"), (site.plan, b"b"), (site.plan, b"c"))
    compact = "SELECT app.compact_document($1, $2, $3, $4, $5, $6, $7, $8)"
    assert await site.value("server", compact, site.plan, 0, 2, b"ab", b"v", text, 3, True)
    row = await site.row(
        "SELECT content, content_hash, content_bytes, word_count, content_truncated, yjs_clock FROM documents"
    )
    assert row == (text, hashlib.sha256(text.encode()).hexdigest(), len(text.encode()), 3, True, 2)
    assert await site.owner.fetchval("SELECT array_agg(seq) FROM document_updates") == [3]


async def test_compaction_that_lost_a_race_changes_nothing(site: Site) -> None:
    await site.append((site.plan, b"a"), (site.plan, b"b"))
    compact = "SELECT app.compact_document($1, $2, $3, $4, NULL)"
    assert await site.value("server", compact, site.plan, 0, 1, b"a")
    assert not await site.value("server", compact, site.plan, 0, 2, b"zz")
    assert not await site.value("server", compact, site.plan, 1, 3, b"zz"), "beyond the head of the log"
    assert not await site.value("server", compact, UUID(int=99), 0, 0, b"zz")
    assert await site.owner.fetchval("SELECT yjs_state FROM documents") == b"a"
    assert await site.owner.fetchval("SELECT count(*) FROM document_updates") == 1


async def test_what_leaves_the_text_alone_is_no_change_of_the_document(site: Site) -> None:
    version = "SELECT row_version, updated_at, (SELECT count(*) FROM search_queue) FROM documents"
    before = await site.row(version)
    await site.append((site.plan, b"a"))
    await site.run("server", "SELECT app.compact_document($1, 0, 1, 'a', 'v')", site.plan)
    await site.run("server", "UPDATE document_stats SET view_count = view_count + 1")
    await site.run("server", "UPDATE documents SET title = title")
    assert await site.row(version) == before
    await site.run("ann", "UPDATE documents SET title = 'New'")
    changed = await site.row("SELECT row_version, updated_by FROM documents")
    assert changed == (before[0] + 1, site.people["ann"])


async def test_the_backlog_lists_the_longest_tails_first(site: Site) -> None:
    other, deleted = await site.document(PLAYGROUND), await site.document(PLAYGROUND)
    await site.append((site.plan, b"a"), (other, b"a"), (other, b"b"), (deleted, b"a"))
    await site.owner.execute("UPDATE documents SET deleted_at = now() WHERE id = $1", deleted)
    async with site.acting("server") as conn:
        backlog = [tuple(row) for row in await conn.fetch("SELECT * FROM app.compaction_backlog()")]
    assert backlog == [(other, 2), (site.plan, 1)]


async def test_search_follows_changes_once_each(site: Site) -> None:
    await site.append((site.plan, b"a"))
    await site.run("server", "SELECT app.compact_document($1, 0, 1, 'a', 'v', '数据库 needles', 2)", site.plan)
    assert await site.value("server", "SELECT app.refresh_search()") == 1
    assert await site.value("server", "SELECT app.refresh_search()") == 0
    find = "SELECT count(*) FROM document_search WHERE tsv @@ app.search_query('english', $1, NULL)"
    for query, hits in (("needle", 1), ("数据", 1), ("house", 1), ("needle -house", 0), ("nothing", 0)):
        assert await site.value("server", find, query) == hits, query
    await site.run("server", "UPDATE documents SET language = 'no such language', title = 'Shed'")
    await site.run("server", "SELECT app.refresh_search()")
    assert await site.value("server", find, "house") == 0


async def test_seven_megabytes_of_distinct_words_are_saved_and_indexed_as_far_as_it_goes(site: Site) -> None:
    words = " ".join(f"word{number}" for number in range(600_000))
    await site.run("server", "UPDATE documents SET content = $1", words)
    assert await site.value("server", "SELECT app.refresh_search()") == 1
    truncated, lexemes = await site.row("SELECT truncated, length(tsv) FROM document_search")
    assert truncated and lexemes > 10_000
    prose = "lorem ipsum dolor sit amet consectetur " * 100_000 + "finalword"
    await site.run("server", "UPDATE documents SET content = $1", prose)
    await site.run("server", "SELECT app.refresh_search()")
    row = await site.row("SELECT NOT truncated, tsv @@ 'finalword' FROM document_search")
    assert row == (True, True)
    with pytest.raises(asyncpg.CheckViolationError):
        await site.run("server", "UPDATE documents SET content = repeat('x', 10485761)")


async def test_carriage_returns_are_known_from_a_flag_and_from_the_text_where_there_is_none(site: Site) -> None:
    for text, flag in (("a\r\nb", True), ("a\nb", False), ("a\rb", True)):
        await site.run("server", "UPDATE documents SET content = $2 WHERE id = $1", site.plan, text)
        assert await site.row("SELECT content_has_returns FROM documents WHERE id = $1", site.plan) == (flag,)
        for statement in ("UPDATE documents SET title = 'T' WHERE id = $1", NO_FLAG):
            await site.owner.execute(statement, site.plan)
            async with site.acting("server") as conn:
                rows = await log_queries.find_rows(conn, site.plan)
                assert rows is not None and rows.has_returns is flag, statement
                listed, _ = await log_queries.list_with_returns(conn, UUID(int=0), 10)
                assert (site.plan in listed) is flag, statement
