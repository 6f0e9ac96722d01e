"""What is searched among very many documents, in PostgreSQL itself."""

import random
from collections.abc import Callable
from uuid import UUID

import asyncpg
import pytest

from tests import databases
from tests.seeds import choose_seed

PLAYGROUND = "00000000-0000-0000-0000-000000000002"


@pytest.mark.parametrize("version", databases.VERSIONS)
async def test_every_title_that_is_alike_enough_is_found_however_common_its_trigrams_are(
    version: databases.Version,
) -> None:
    seed = choose_seed()
    dice = random.Random(seed)
    words = ["meeting", "report", "project", "plan", "budget", "meter", "retina", "protein", "planet", "a", "会议"]
    async with databases.migrated(version) as database:
        conn = await asyncpg.connect(database.owner_dsn)
        try:
            await conn.execute(
                "INSERT INTO documents (workspace_id, title) SELECT $1, x FROM unnest($2::text[]) x",
                UUID(PLAYGROUND),
                [" ".join(dice.choices(words, k=dice.randint(1, 5))) for _ in range(300)],
            )
            while await conn.fetchval("SELECT app.refresh_search(200)"):
                pass
            await conn.execute("SET app.guest_role = 'viewer'")
            found = "SELECT array_agg(id ORDER BY id) FROM app.search_titles($1, NULL, 1000)"
            alike = """
                SELECT array_agg(s.document_id ORDER BY s.document_id)
                FROM document_search s, tsvector_to_array(app.trigrams($1)) asked
                WHERE (SELECT count(*) FROM unnest(asked) x WHERE x = ANY (tsvector_to_array(s.title_trigrams)))
                  >= 0.4 * cardinality(asked)
            """
            hits = 0
            for analysed in (False, True):
                if analysed:
                    await conn.execute("ANALYZE document_search")
                for typed in ["meting reprot", "a", "pln", "会议", "'", "", "x" * 200] + [
                    "".join(dice.sample(word, len(word))) + dice.choice(["", " plan", " meeting report budget plans"])
                    for word in words
                ]:
                    wanted = (
                        await conn.fetchval(alike, typed)
                        if await conn.fetchval("SELECT app.trigrams($1) <> ''", typed)
                        else None
                    )
                    assert await conn.fetchval(found, typed) == wanted, (typed, analysed)
                    hits += len(wanted or ())
            assert hits > 100
        finally:
            await conn.close()


@pytest.mark.parametrize("version", databases.VERSIONS)
async def test_phrases_tags_and_types_find_the_right_documents_among_very_many(version: databases.Version) -> None:
    """More hits than are ranked, so that not all of them are looked at."""
    seed = choose_seed()
    dice = random.Random(seed)
    texts = [" ".join(dice.choices(("red", "green", "blue", "tea"), k=6)) for _ in range(2500)]
    async with databases.migrated(version) as database:
        conn = await asyncpg.connect(database.owner_dsn)
        try:
            await conn.execute(
                "INSERT INTO documents (workspace_id, title, content, type, updated_at) "
                "SELECT $1, 'title ' || n, x, CASE WHEN n % 5 = 0 THEN 'note' ELSE 'markdown' END::document_type, "
                "now() - n * interval '1 minute' FROM unnest($2::text[]) WITH ORDINALITY t (x, n)",
                UUID(PLAYGROUND),
                texts,
            )
            tag = await conn.fetchval(
                "INSERT INTO tags (workspace_id, name, slug) VALUES ($1, 'Old', 'old') RETURNING id", UUID(PLAYGROUND)
            )
            await conn.execute("SET session_replication_role = replica")
            await conn.execute(
                "INSERT INTO document_tags SELECT id, $1, workspace_id FROM documents WHERE title LIKE '%7'", tag
            )
            await conn.execute("SET session_replication_role = origin")
            while await conn.fetchval("SELECT app.refresh_search(500)"):
                pass
            await conn.execute("SET app.guest_role = 'viewer'")
            found = (
                "SELECT array_agg(title ORDER BY title) FROM app.search_documents($1, NULL, NULL, $2, $3, 5000, $4, $5)"
            )
            questions: list[tuple[str, Callable[[str], bool]]] = [
                ('"red green"', lambda text: "red green" in text),
                ('"red green tea"', lambda text: "red green tea" in text),
                ('-"red green" blue', lambda text: "red green" not in text and "blue" in text),
                ('"red green" -tea', lambda text: "red green" in text and "tea" not in text),
                ("red green", lambda text: "red" in text and "green" in text),
            ]
            for typed, fits in questions:
                for kind, slugs in ((None, None), ("note", None), (None, ["old"]), ("note", ["old"])):
                    wanted = [
                        f"title {n}"
                        for n, text in enumerate(texts, 1)
                        if fits(text) and (kind is None or n % 5 == 0) and (slugs is None or n % 10 == 7)
                    ][:1000]
                    got = await conn.fetchval(found, typed, kind, slugs, None, None)
                    assert (got or []) == sorted(wanted), (typed, kind, slugs)
        finally:
            await conn.close()
