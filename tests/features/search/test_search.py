"""Searching over HTTP, on both PostgreSQLs: with and without their extensions the answers are the same."""

from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from tests.features.search.library import index, write
from tests.peers import Peer
from tests.people import Person, nobody, people, run
from tests.server import Server
from tests.waiting import until

PLAYGROUND = "00000000-0000-0000-0000-000000000002"


async def found(client: httpx.AsyncClient, typed: str, **filters: object) -> list[str]:
    """Ids, the best first."""
    answer = await client.get("/search", params={"q": typed, **filters})  # type: ignore[dict-item]
    assert answer.status_code == 200, answer.text
    return [item["document"]["id"] for item in answer.json()["items"]]


async def similar(client: httpx.AsyncClient, typed: str, **filters: object) -> list[str]:
    answer = await client.get("/search/titles", params={"q": typed, **filters})  # type: ignore[dict-item]
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_hit_says_what_and_where(server: Server) -> None:
    (ann,) = await people(server, "ann")
    made = await write(server, ann.personal, "Plans of the house", "The cellar stays dry.", name="plans/house")
    await index(server)
    (item,) = (await ann.get("/search", params={"q": "cellars"})).json()["items"]
    assert item["document"]["id"] == made
    assert item["document"]["workspace_id"] == ann.personal
    assert item["document"]["title"] == "Plans of the house"
    assert item["document"]["address"].endswith("/plans/house")
    assert item["snippet"] == "The <mark>cellar</mark> stays dry."
    assert item["title_highlight"] == "Plans of the house"
    assert item["rank"] > 0
    opened = await ann.get("/documents/lookup", params={"address": item["document"]["address"]})
    assert opened.json()["id"] == made


async def test_words_count_most_in_the_title_then_description_then_tags_then_text(server: Server) -> None:
    (ann,) = await people(server, "ann")
    rest = "nothing to see in here, only some words to fill a line"
    text = await write(server, ann.personal, "One", f"{rest} zebra")
    tag = await write(server, ann.personal, "Two", rest, tags=("zebra",))
    title = await write(server, ann.personal, "Three zebra", rest)
    description = await write(server, ann.personal, "Four", rest, description="zebra")
    await index(server)
    assert (await found(ann, "zebra"))[0] == title
    assert sorted(await found(ann, "zebra")) == sorted([text, tag, title, description])
    assert (await found(ann, "zebra"))[-1] == text


async def test_operators(server: Server) -> None:
    (ann,) = await people(server, "ann")
    one = await write(server, ann.personal, "1", "The old house by the sea")
    two = await write(server, ann.personal, "2", "An old boat; a house is far")
    three = await write(server, ann.personal, "3", "A boat on the sea")
    await index(server)
    assert sorted(await found(ann, "old house")) == sorted([one, two])
    assert await found(ann, '"old house"') == [one]
    assert await found(ann, "boat -old") == [three]
    assert sorted(await found(ann, "boat or house")) == sorted([one, two, three])
    assert await found(ann, "old castle") == []
    assert await found(ann, "the") == []


async def test_the_last_word_may_be_unfinished(server: Server) -> None:
    (ann,) = await people(server, "ann")
    made = await write(server, ann.personal, "1", "Our database of harbours")
    await index(server)
    for typed in ("data", "databas", "our database", "harb", "database har"):
        assert await found(ann, typed) == [made], typed
    for typed in ("harb database", '"harb"', "atabase"):
        assert await found(ann, typed) == [], typed
    (item,) = (await ann.get("/search", params={"q": "harb"})).json()["items"]
    assert item["snippet"] == "Our database of <mark>harbours</mark>"


async def test_each_document_is_read_in_its_own_language(server: Server) -> None:
    (ann,) = await people(server, "ann")
    german = await write(server, ann.personal, "Liste", "Die Häuser am Hafen", language="german")
    simple = await write(server, ann.personal, "Codes", "running the numbers", language="simple")
    unknown = await write(server, ann.personal, "Lingua", "casas running", language="klingon")
    english = await write(server, ann.personal, "List", "He runs")
    await index(server)
    assert await found(ann, "Haus -boot") == [german]
    assert sorted(await found(ann, '"running"')) == sorted([simple, unknown, english])
    assert await found(ann, '"the" "numbers"') == [simple]
    assert english not in await found(ann, "list -running")


async def test_text_without_spaces_is_found_by_any_of_its_characters(server: Server) -> None:
    (ann,) = await people(server, "ann")
    chinese = await write(server, ann.personal, "会议记录", "我们的数据库设计<b>完成</b>了。")
    japanese = await write(server, ann.personal, "東京", "カタカナとひらがな")
    await index(server)
    for typed in ("数据库", "设计", '"数据库"', "会议"):
        assert await found(ann, typed) == [chinese], typed
    assert await found(ann, "ひらがな") == [japanese]
    assert await found(ann, '"据数"') == []
    (item,) = (await ann.get("/search", params={"q": "数据"})).json()["items"]
    assert item["snippet"] == "我们的<mark>数据</mark>库设计&lt;b&gt;完成&lt;/b&gt;了。"
    assert await similar(ann, "记录") == ["会议记录"]


async def test_marked_hits_are_text_and_never_markup(server: Server) -> None:
    (ann,) = await people(server, "ann")
    attack = '<script>alert("needle")</script> <img src=x onerror=needle> \x02needle\x03 &lt;needle&gt; '
    attack += "</mark><svg/onload=x>"
    await write(server, ann.personal, f"<b onclick=needle>{attack}"[:200], attack)
    await index(server)
    (item,) = (await ann.get("/search", params={"q": "needle"})).json()["items"]
    for shown in (item["snippet"], item["title_highlight"]):
        assert shown.count("<mark>") == shown.count("</mark>") >= 3
        assert "<mark>needle</mark>" in shown
        rest = shown.replace("<mark>", "").replace("</mark>", "")
        assert "<" not in rest
        assert ">" not in rest
        assert '"' not in rest
        assert "&lt;script&gt;" in rest


async def test_a_snippet_is_text_without_the_marks_of_markdown(server: Server) -> None:
    (ann,) = await people(server, "ann")
    body = "# Launch plan\n\n- [x] A list of **vivid wombats** and `code`, see [the *page*](https://example.org/a)\n"
    await write(server, ann.personal, "# kept **as** it is", body)
    long = "**filler** and [more](https://example.org/filler) words " * 40
    await write(
        server, ann.personal, "Deep", f"{long}then a _numbat_ in [a link](https://example.org/numbat).\n\n{long}"
    )
    await index(server)
    (item,) = (await ann.get("/search", params={"q": "wombats"})).json()["items"]
    assert item["snippet"] == "Launch plan A list of vivid <mark>wombats</mark> and code, see the page"
    (titled,) = (await ann.get("/search", params={"q": "kept"})).json()["items"]
    assert titled["title_highlight"] == "# <mark>kept</mark> **as** it is", "a title is no Markdown"
    (deep,) = (await ann.get("/search", params={"q": "numbat"})).json()["items"]
    assert "a <mark>numbat</mark> in a link" in deep["snippet"]
    for mark in ("**", "](", "_", "[more"):
        assert mark not in deep["snippet"], deep["snippet"]


async def test_a_snippet_is_from_where_the_words_are(server: Server) -> None:
    (ann,) = await people(server, "ann")
    filler = "Nothing of interest here. " * 1000
    await write(server, ann.personal, "Long", f"{filler}A quokka sat here. {filler}")
    await index(server)
    (item,) = (await ann.get("/search", params={"q": "quokkas"})).json()["items"]
    assert "A <mark>quokka</mark> sat here." in item["snippet"]
    assert item["snippet"].startswith("…")
    assert item["snippet"].endswith("…")
    assert len(item["snippet"]) < 600


async def test_filters_by_workspace_kind_and_tags(server: Server) -> None:
    ann, bob = await people(server, "ann", "bob")
    await join(server, bob.personal, ann)
    note = await write(server, ann.personal, "note", "giraffe", kind="note", tags=("Big", "Wild"))
    plain = await write(server, ann.personal, "plain", "giraffe", tags=("Big",))
    other = await write(server, bob.personal, "other", "giraffe", tags=("Big",))
    await index(server)
    assert sorted(await found(ann, "giraffe")) == sorted([note, plain, other])
    assert sorted(await found(ann, "giraffe", workspace_id=ann.personal)) == sorted([note, plain])
    assert await found(ann, "giraffe", type="note") == [note]
    assert sorted(await found(ann, "giraffe", tag="big")) == sorted([note, plain, other])
    assert await found(ann, "giraffe", tag=["big", "wild"]) == [note]
    assert await found(ann, "giraffe", tag="none") == []
    within = (await ann.get(f"/workspaces/{bob.personal}/search", params={"q": "giraffe"})).json()["items"]
    assert [item["document"]["id"] for item in within] == [other]
    assert code(await ann.get("/search", params={"q": "giraffe", "type": "novel"})) == (422, "invalid")


async def test_tags_are_words_too_and_follow_their_names(server: Server) -> None:
    (ann,) = await people(server, "ann")
    made = await write(server, ann.personal, "1", "x", tags=("Planning",))
    await index(server)
    assert await found(ann, "plans") == [made]
    await run(server, "UPDATE tags SET name = 'Budget' WHERE workspace_id = $1", [(UUID(ann.personal),)])
    await index(server)
    assert await found(ann, "plans") == []
    assert await found(ann, "budgets") == [made]
    await run(server, "DELETE FROM tags WHERE workspace_id = $1", [(UUID(ann.personal),)])
    await index(server)
    assert await found(ann, "budgets") == []


async def join(server: Server, workspace: str, *members: Person) -> None:
    await run(server, "UPDATE workspaces SET member_limit = 50 WHERE id = $1", [(UUID(workspace),)])
    add = "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'viewer')"
    await run(server, add, [(UUID(workspace), UUID(member.id)) for member in members])


async def test_nobody_finds_documents_of_other_people(server: Server) -> None:
    ann, bob, eve = await people(server, "ann", "bob", "eve")
    await join(server, ann.personal, bob)
    made = await write(server, ann.personal, "Secret garden", "hidden marmot")
    await index(server)

    async def finding(person: Person) -> tuple[list[str], list[str]]:
        return await found(person, "marmot"), await similar(person, "secret gardn")

    guest = nobody(server)
    seen = ([made], ["Secret garden"])
    unseen: tuple[list[str], list[str]] = ([], [])
    assert await finding(ann) == await finding(bob) == seen
    assert await finding(eve) == await finding(guest) == unseen
    for path in (f"/workspaces/{ann.personal}/search", "/search", "/search/titles"):
        answer = await eve.get(path, params={"q": "marmot", "workspace_id": ann.personal})
        assert code(answer) == (404, "not_found")
    change = "UPDATE workspaces SET {} WHERE id = $1"
    await run(server, change.format("archived_at = now()"), [(UUID(ann.personal),)])
    assert await finding(bob) == seen
    await run(server, change.format("deleted_at = now()"), [(UUID(ann.personal),)])
    assert await finding(ann) == await finding(bob) == unseen
    await run(server, change.format("deleted_at = NULL, archived_at = NULL"), [(UUID(ann.personal),)])
    assert await finding(bob) == seen
    members = "UPDATE workspace_members SET {} WHERE workspace_id = $1 AND user_id = $2"
    await run(server, members.format("is_active = false"), [(UUID(ann.personal), UUID(bob.id))])
    assert await finding(bob) == unseen
    denied = "is_active = true, permissions = '{\"can_read\": false}'"
    await run(server, members.format(denied), [(UUID(ann.personal), UUID(bob.id))])
    assert await finding(bob) == unseen
    assert await finding(ann) == seen


async def test_deleted_documents_are_gone_at_once_and_moved_ones_are_where_they_are(server: Server) -> None:
    ann, bob = await people(server, "ann", "bob")
    made = await write(server, ann.personal, "Wandering walrus", "tusks")
    await index(server)
    state = "UPDATE documents SET {} WHERE id = $1"
    await run(server, state.format("deleted_at = now()"), [(UUID(made),)])
    assert (await found(ann, "tusks"), await similar(ann, "walrus")) == ([], [])
    await index(server)
    await run(server, state.format("deleted_at = NULL"), [(UUID(made),)])
    await index(server)
    assert (await found(ann, "tusks"), await similar(ann, "walrus")) == ([made], ["Wandering walrus"])
    await run(server, "UPDATE documents SET workspace_id = $2 WHERE id = $1", [(UUID(made), UUID(bob.personal))])
    assert (await found(ann, "tusks"), await similar(ann, "walrus")) == ([], [])
    assert (await found(bob, "tusks"), await similar(bob, "walrus")) == ([made], ["Wandering walrus"])


async def test_guests_search_the_playground_and_connect_tokens_nothing(server: Server) -> None:
    (ann,) = await people(server, "ann")
    word = f"w{uuid4().hex}"
    made = await write(server, PLAYGROUND, f"Open {word}", word)
    await write(server, ann.personal, "Mine", word)
    await index(server)
    assert await found(nobody(server), word) == [made]
    token = (await nobody(server).post(f"/documents/{made}/connect-tokens", json={"role": "viewer"})).json()["token"]
    connected = nobody(server)
    connected.headers["authorization"] = f"Bearer {token}"
    assert await found(connected, word) == await similar(connected, word) == []
    for path in (f"/workspaces/{PLAYGROUND}/search", "/search/titles"):
        answer = await connected.get(path, params={"q": word, "workspace_id": PLAYGROUND})
        assert code(answer) == (404, "not_found")


async def test_pages_have_every_hit_once_in_one_order(server: Server) -> None:
    (ann,) = await people(server, "ann")
    made = [await write(server, ann.personal, f"T{n}", "lemur " * (n % 3 + 1)) for n in range(11)]
    await index(server)
    whole = await found(ann, "lemur")
    seen: list[str] = []
    cursor = None
    while True:
        params = {"q": "lemur", "limit": "3", **({"cursor": cursor} if cursor else {})}
        page = (await ann.get("/search", params=params)).json()
        seen += [item["document"]["id"] for item in page["items"]]
        cursor = page["next_cursor"] or cursor
        if page["next_cursor"] is None:
            break
    assert seen == whole
    assert sorted(seen) == sorted(made)
    other = await ann.get("/search", params={"q": "lemurs", "cursor": cursor})
    assert code(other) == (400, "malformed")
    for bad in ("x", "W10", "bm9wZQ", "9" * 5000):
        assert code(await ann.get("/search", params={"q": "lemur", "cursor": bad})) == (400, "malformed")


@pytest.mark.parametrize("path", ["/search", f"/workspaces/{PLAYGROUND}/search", "/search/titles"])
async def test_a_bad_question_is_a_problem(server: Server, path: str) -> None:
    guest = nobody(server)
    for params in ({}, {"q": ""}, {"q": "   "}, {"q": "x" * 501}, {"q": "a\nb"}, {"q": "a", "limit": "0"}):
        assert code(await guest.get(path, params=params)) == (422, "invalid"), params
    assert code(await guest.get(f"{path}?q=a%00b")) == (400, "malformed")
    assert code(await guest.get(f"{path}?q=%ff")) == (400, "malformed")
    for typed in ("-", '""', "or", "-house", "&|!():*"):
        expected = (200,) if path == "/search/titles" else (422, "unprocessable")
        answer = await guest.get(path, params={"q": typed})
        assert (answer.status_code,) == expected or code(answer) == expected, typed


HOSTILE = [
    "a'b\\c",
    "'; DROP TABLE documents; --",
    "a & | ! ( ) : * <-> b",
    "x:* y:A",
    "(((((((((((x",
    '"' * 499,
    "or or or or x or",
    "- - - x - -",
    "%_%",
    "\\x",
    "🦘 kangaroo 🦘",
    "a" * 500,
    "a " * 250,
    "数" * 500,
    "x" * 100 + " or" * 130,
]


@pytest.mark.parametrize("typed", HOSTILE)
async def test_no_question_is_too_strange(server: Server, typed: str) -> None:
    guest = nobody(server)
    for path in ("/search", "/search/titles"):
        answer = await guest.get(path, params={"q": typed[:200] if path.endswith("titles") else typed})
        assert answer.status_code in (200, 422), answer.text


async def test_half_remembered_titles(server: Server) -> None:
    (ann,) = await people(server, "ann")
    titles = [
        "Quarterly report",
        "Quartz",
        "The quarterly reports of the harbour",
        "Résumé of Zoë",
        "x",
        "A.I. plan (v2)",
    ]
    for title in titles:
        await write(server, ann.personal, title)
    await index(server)
    assert (await similar(ann, "quartely reprot"))[:2] == ["Quarterly report", "The quarterly reports of the harbour"]
    assert (await similar(ann, "quartely"))[0] == "Quarterly report"
    assert (await similar(ann, "harb"))[0] == "The quarterly reports of the harbour"
    assert (await similar(ann, "résume"))[0] == "Résumé of Zoë"
    assert (await similar(ann, "x"))[0] == "x"
    assert await similar(ann, "walrus") == await similar(ann, "?!") == []
    assert len(await similar(ann, "quart", limit=1)) == 1
    (item,) = (await ann.get("/search/titles", params={"q": "plan v2"})).json()["items"]
    assert item["similarity"] == 1.0
    assert item["type"] == "markdown"


async def test_whoever_is_in_many_workspaces_finds_the_titles_of_all_of_them_and_of_no_other(server: Server) -> None:
    ann, bob = await people(server, "ann", "bob")
    await write(server, bob.personal, "Harbour plan of Bob")
    places: list[str] = []
    for number in range(12):
        made = await ann.post("/workspaces", json={"name": f"Place {number}"})
        assert made.status_code == 201, made.text
        places.append(made.json()["id"])
        await write(server, places[-1], f"Harbour plan {number}")
        await index(server)
        found_here = await similar(ann, "harbuor plan", limit=50)
        assert sorted(found_here) == sorted(f"Harbour plan {n}" for n in range(number + 1))
        assert await similar(ann, "harbuor plan", workspace_id=places[0]) == ["Harbour plan 0"]
    assert await similar(bob, "harbuor plan") == ["Harbour plan of Bob"]


async def test_the_index_follows_edits_and_holds_nobody_up(server: Server) -> None:
    (ann,) = await people(server, "ann")
    made = await write(server, ann.personal, "Diary")
    await index(server)

    async def finds(word: str) -> bool:
        return await found(ann, word) == [made]

    writer = Peer(server, "yws", made, token=ann.token)
    await writer.sync()
    conn = await asyncpg.connect(server.owner_dsn)
    try:
        async with conn.transaction():
            await conn.execute("LOCK TABLE document_search IN ACCESS EXCLUSIVE MODE")
            writer.insert("a pangolin came by")
            await writer.saved()
            assert "pangolin" in (await ann.get(f"/documents/{made}/content")).text
            renamed = await ann.patch(f"/documents/{made}", json={"title": "Logbook"})
            assert renamed.status_code == 200
        await until(lambda: finds("pangolins"), "the edit to be found")
        await until(lambda: finds("logbook"), "the new title to be found")
        assert await found(ann, "diary") == []
    finally:
        await conn.close()
        await writer.close()
