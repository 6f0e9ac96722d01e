"""Words are found as parts of what they stand in, and however their letters are written, on both PostgreSQLs."""

import unicodedata
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab_server.adapters import migrations
from collab_server.errors import UnprocessableContent
from collab_server.features.search.terms import read
from tests import databases
from tests.features.search.library import index, write
from tests.people import people
from tests.server import Server

PLAYGROUND = "00000000-0000-0000-0000-000000000002"


async def hits(client: httpx.AsyncClient, typed: str) -> list[dict[str, str]]:
    answer = await client.get("/search", params={"q": typed})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, str]] = answer.json()["items"]
    return items


COMPOUNDS = [
    (
        "CVE-2024-31497",
        ["31497", "2024", "cve", "CVE-2024-31497", "CVE-2024", "cve 31497", '"CVE-2024"', "cve-2024-314"],
    ),
    ("DS-7604NI-E1/4P/A", ["DS-7604NI", "7604NI", "DS-7604NI-E1", "DS-7604NI-E1/4P/A", "7604", "ds-7604n", "4P/A"]),
    ("RFC9110", ["9110", "rfc9110", "RFC91"]),
    (
        "/home/ann/reports/final-draft_v2.pdf",
        ["final-draft_v2.pdf", "final-draft", "reports", "draft", "pdf", "ann/reports"],
    ),
    (r"C:\Users\ann\Budget.xlsx", ["Budget.xlsx", "budget", r"ann\Budget.xlsx"]),
    (
        "https://docs.example.com/guide/start.html?lang=de#install",
        ["guide", "install", "example.com", "start.html", "docs"],
    ),
    ("jane.miller@example.org", ["miller", "example.org", "jane.miller", "jane.miller@example.org", "jane"]),
    ("snake_case_name", ["case", "snake_case", "name", "snake_case_name"]),
    ("v1.22.333", ["v1.22.333", "333", "1.22.333 or v1.22"]),
    ("<a href='harbour.png'>", ["harbour", "harbour.png"]),
    ("U.S.A.", ["U.S.A", "u.s.a."]),
    ("to@do.com", ["to@do.com"]),
    ("well-known", ["known", "well-known", "unknown-x or well-known"]),
]


@pytest.mark.parametrize(("text", "typed"), COMPOUNDS)
async def test_parts_of_compounds_are_found_beside_the_whole(server: Server, text: str, typed: list[str]) -> None:
    (ann,) = await people(server, "ann")
    in_text = await write(server, ann.personal, "one", f"Look at {text}, please.")
    in_title = await write(server, ann.personal, f"Of {text}")
    alone = await write(server, ann.personal, "three", text)
    await write(server, ann.personal, "four", "nothing")
    await index(server)
    for words in typed:
        found = {hit["document"]["id"] for hit in await hits(ann, words)}  # type: ignore[index]
        assert found == {in_text, in_title, alone}, words


async def test_a_text_that_is_no_part_of_a_compound_is_not_found(server: Server) -> None:
    (ann,) = await people(server, "ann")
    await write(server, ann.personal, "one", "CVE-2024-31497 DS-7604NI-E1/4P/A jane.miller@example.org")
    await index(server)
    for typed in (
        "31498",
        "3149 x",
        "DS-E1",
        "7604NI-DS",
        "miller.jane",
        "example.com",
        "CVE-2024-31498",
        '"2024-cve"',
    ):
        assert await hits(ann, typed) == [], typed
    assert await hits(ann, "miller -31497") == []


async def test_parts_that_were_found_are_marked(server: Server) -> None:
    (ann,) = await people(server, "ann")
    await write(server, ann.personal, "Of CVE-2024-31497", "See CVE-2024-31497 & café at https://example.com/menu.html")
    await index(server)
    shown = {typed: (await hits(ann, typed))[0] for typed in ("31497", "CVE-2024-31497", "cafe", "menu")}
    assert shown["31497"]["title_highlight"] == "Of CVE-2024-<mark>31497</mark>"
    assert shown["CVE-2024-31497"]["title_highlight"] == "Of <mark>CVE-2024-31497</mark>"
    assert "&amp; <mark>café</mark> at" in shown["cafe"]["snippet"]
    assert "example.com/<mark>menu</mark>.html" in shown["menu"]["snippet"]


SPELLINGS = [
    ("café", ["cafe", "café", "CAFÉ", "cafe\u0301", '"cafe"', "caf"]),
    ("Résumés", ["resume", "résumé", "resumes"]),
    ("naïve façade", ["naive facade", '"naive facade"', "naïve"]),
    ("Übergröße", ["ubergrosse", "Übergröße", "ÜBERGRÖSSE"]),
    ("smørrebrød Łódź", ["smorrebrod", "lodz", "łódź"]),
    ("Điện thoại", ["dien thoai", "điện", '"Điện thoại"']),
    ("ﬁle \uff21\uff22\uff23\uff11\uff12\uff13 Ⅷ m²", ["file", "abc123", "viii", "m2"]),
    ("Αθήνα", ["αθηνα", "Αθήνα", "ΑΘΗΝΑ"]),
    ("ещё", ["еще", "ещё"]),
    ("ｶﾀｶﾅ", ["カタカナ", "ｶﾀｶﾅ"]),
    ("שָׁלוֹם", ["שלום", "שָׁלוֹם"]),
    ("soft\u00adhyphen", ["softhyphen", "soft\u00adhyphen"]),
]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize(("text", "typed"), SPELLINGS)
async def test_accents_and_forms_of_letters_make_no_difference(
    server: Server, text: str, typed: list[str], form: str
) -> None:
    (ann,) = await people(server, "ann")
    text = unicodedata.normalize(form, text)  # type: ignore[arg-type]
    made = [await write(server, ann.personal, "one", f"A {text} b."), await write(server, ann.personal, text)]
    await index(server)
    for words in typed:
        for spelt in (words, unicodedata.normalize("NFD", words)):
            assert sorted(hit["document"]["id"] for hit in await hits(ann, spelt)) == sorted(made), ascii(spelt)  # type: ignore[index]


async def test_letters_that_differ_by_more_than_an_accent_stay_apart(server: Server) -> None:
    (ann,) = await people(server, "ann")
    await write(server, ann.personal, "one", "новый が हिन्दी")
    await index(server)
    for typed in ("новыи", "か"):
        assert await hits(ann, typed) == [], typed
    for typed in ("новый", "が", "हिन्दी"):
        assert len(await hits(ann, typed)) == 1, typed


async def test_a_languages_own_rules_for_its_accents_and_stop_words_still_hold(server: Server) -> None:
    (ann,) = await people(server, "ann")
    french = await write(server, ann.personal, "un", "Ils ont mangé la soupe", language="french")
    german = await write(server, ann.personal, "zwei", "Plan der Häuser", language="german")
    await index(server)
    assert [hit["document"]["id"] for hit in await hits(ann, "mangées soupe -plan")] == [french]  # type: ignore[index]
    assert [hit["document"]["id"] for hit in await hits(ann, "Plan für Haus -soupe")] == [german]  # type: ignore[index]


async def test_titles_are_found_without_their_accents(server: Server) -> None:
    (ann,) = await people(server, "ann")
    for title in ("Crème brûlée", unicodedata.normalize("NFD", "Crème anglaise"), "Creme fraiche", "Other"):
        await write(server, ann.personal, title)
    documents = f"/workspaces/{ann.personal}/documents"

    async def listed(text: str) -> set[str]:
        items = (await ann.get(documents, params={"q": text})).json()["items"]
        return {unicodedata.normalize("NFC", one["title"]) for one in items}

    creams = {"Crème brûlée", "Crème anglaise", "Creme fraiche"}
    for _ in range(2):  # what waits to be indexed, and what is indexed
        assert await listed("creme") == await listed("CRÈME") == await listed("cre\u0300me") == creams
        assert await listed("brulee") == {"Crème brûlée"}
        assert await listed("me_b") == await listed("%") == set()
        await index(server)
    similar = (await ann.get("/search/titles", params={"q": "creme"})).json()["items"]
    assert {unicodedata.normalize("NFC", one["title"]) for one in similar} == creams


async def test_a_snippet_of_accented_text_is_from_where_the_word_is(server: Server) -> None:
    (ann,) = await people(server, "ann")
    filler = unicodedata.normalize("NFD", "Rien d'intéressant à voir ici. ") * 500
    await write(server, ann.personal, "Long", f"{filler}Un café noir. {filler}")
    await index(server)
    (hit,) = await hits(ann, "cafe")
    assert "Un <mark>café</mark> noir." in hit["snippet"]


@pytest.fixture(scope="module", params=databases.VERSIONS)
async def conn(request: pytest.FixtureRequest) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    async with databases.migrated(request.param) as database:
        opened = await asyncpg.connect(database.owner_dsn)
        yield opened
        await opened.close()


async def test_every_word_of_any_text_finds_it(conn: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Words as people copy them: what stands between spaces, also a part of it, in any spelling."""
    signs = st.sampled_from(
        "aeéèßñøabz019-_./:@#+'\"&<>=%~,;()[]{}!?\\^`|$* " + "ёйΆ数が가ﬁ\uff21½²\u0301\u00ad\u2019\u2013“"
    )
    examples: list[str] = []

    @given(st.lists(st.text(signs, min_size=1, max_size=12), min_size=1, max_size=6))
    def collect(words: list[str]) -> None:
        examples.append(" ".join(words))

    collect()
    assert len(examples) >= 50
    for text in examples:
        for language in ("english", "simple", "french"):
            for word in text.replace('"', " ").split():
                for form in ("NFC", "NFD", "NFKC", "NFKD"):
                    typed = unicodedata.normalize(form, word).lstrip("-").replace('"', " ")
                    try:
                        terms = read(typed)
                    except UnprocessableContent:
                        continue
                    found = await conn.fetchval(
                        "SELECT q = ''::tsquery OR b.tsv @@ q FROM app.search_query($1::text::regconfig, $2, $3) q, "
                        "app.build_tsv($1::text::regconfig, '', '', '', $4) b",
                        language,
                        terms.text,
                        terms.last,
                        text,
                    )
                    assert found, (language, ascii(typed), ascii(text))


BUILD = (
    "SELECT b.truncated, b.tsv @@ app.search_query('english', $2, $3) FROM app.build_tsv('english', '', '', '', $1) b"
)


async def test_compounds_are_found_in_texts_too_long_for_the_places_of_their_words(
    conn: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    texts = {
        "more than a row holds": " ".join(f"/srv/files/{n:x}/CVE-{n}-x.pdf" for n in range(30_000)),
        "a word very often": " ".join(f"CVE-{n}-x" for n in range(29_000, 30_000)),
        "many words": "word " * 20_000 + "CVE-29999-x",
    }
    for name, text in texts.items():
        for typed, last in (("CVE-29999-x", None), ("29999", None), ("29999-x", None), ("", "cve-2999")):
            truncated, found = await conn.fetchrow(BUILD, text, typed, last)  # type: ignore[misc]
            assert found, (name, typed, last)
        assert truncated == (name == "more than a row holds")
        assert not (await conn.fetchrow(BUILD, text, "CVE-31000-x", None))[1]  # type: ignore[index]


@pytest.mark.parametrize("version", databases.VERSIONS)
async def test_old_index_entries_are_rebuilt_after_changed_documents(version: databases.Version) -> None:
    async with databases.migrated(version) as database:
        await migrations.downgrade(database.owner_dsn, "0028_index_tokens")
        conn = await asyncpg.connect(database.owner_dsn)
        try:
            insert = "INSERT INTO documents (workspace_id, title, content) VALUES ($1, $2, $3)"
            await conn.execute(insert, PLAYGROUND, "old", "café CVE-2024-31497")
            await conn.execute(insert, PLAYGROUND, "older", "café CVE-2024-31497")
            while await conn.fetchval("SELECT app.refresh_search(500)"):
                pass
            await migrations.upgrade(database.owner_dsn)
            await conn.execute("SET app.guest_role = 'viewer'")
            find = (
                "SELECT array_agg(title ORDER BY title) "
                "FROM app.search_documents($1, NULL, NULL, NULL, NULL, 9, NULL, NULL)"
            )
            assert await conn.fetchval(find, "CVE-2024-31497 cafe") is None
            await conn.execute(insert, PLAYGROUND, "new", "café CVE-2024-31497")
            assert await conn.fetchval("SELECT app.refresh_search(1)") == 1
            assert await conn.fetchval(find, "31497 cafe") == ["new"]
            while await conn.fetchval("SELECT app.refresh_search(500)"):
                pass
            assert await conn.fetchval(find, "31497 cafe") == ["new", "old", "older"]
            await migrations.downgrade(database.owner_dsn, "0028_index_tokens")
            while await conn.fetchval("SELECT app.refresh_search(500)"):
                pass
            assert await conn.fetchval(find, "café") == ["new", "old", "older"]
        finally:
            await conn.close()
