"""A document's content over HTTP: what is sent is merged into what people type, who lose nothing."""

import asyncio
import random
from typing import Any

import httpx
import pytest
from pycrdt import Assoc, XmlElement, XmlFragment, XmlText

from tests.features.api_harness import ROLES, ApiHarness, refused
from tests.interop.harness import FAMILIES
from tests.peers import Family, Peer
from tests.people import Person, fetch, run
from tests.seeds import choose_seed
from tests.waiting import until

MARKDOWN = {"content-type": "text/markdown"}
PATCHES = 100


def path_of(document: dict[str, Any]) -> str:
    return f"/documents/{document['id']}/content"


async def put(
    who: Person, document: dict[str, Any], body: str | bytes, etag: str = "", **params: Any
) -> httpx.Response:
    headers = {**MARKDOWN, **({"if-match": etag} if etag else {})}
    content = body.encode() if isinstance(body, str) else body
    return await who.put(path_of(document), content=content, headers=headers, params=params)


async def patch(
    who: Person, document: dict[str, Any], *edits: dict[str, Any], etag: str = "", **more: Any
) -> httpx.Response:
    headers = {"if-match": etag} if etag else {}
    return await who.patch(path_of(document), json={"edits": edits, **more}, headers=headers)


async def content(who: Person, document: dict[str, Any], accept: str = "text/markdown") -> httpx.Response:
    answer = await who.get(path_of(document), headers={"accept": accept})
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_put_text_reaches_open_connections(api: ApiHarness, family: Family) -> None:
    made = await api.make(name=f"put-{family}")
    peer = await Peer(api.server, family, made["address"], token=api.viewer.token).sync()
    answer = await put(api.editor, made, "# One\n\n🙂 two\n")
    assert answer.status_code == 200, answer.text
    await peer.until(lambda: peer.content == "# One\n\n🙂 two\n", "the text")
    got = await content(api.editor, made)
    assert got.text == "# One\n\n🙂 two\n"
    assert got.headers["etag"] == answer.headers["etag"] == f'"{answer.json()["content_hash"]}"'
    assert (answer.json()["changed"], answer.json()["merged"]) == (True, False)
    again = await put(api.editor, made, "# One\n\n🙂 two\n", got.headers["etag"])
    assert (again.status_code, again.json()["changed"]) == (200, False)
    await peer.close()


async def test_a_text_that_was_read_before_others_typed_is_merged(api: ApiHarness) -> None:
    made = await api.make(name="merged", content="one\ntwo\nthree\n")
    peer = await Peer(api.server, "yws", made["address"], token=api.other.token).sync()
    etag = (await content(api.editor, made)).headers["etag"]
    peer.insert("typed\n", 4)
    await peer.saved()
    cursor = peer.text.sticky_index(6, Assoc.AFTER)
    answer = await put(api.editor, made, "ONE\ntwo\n", etag)
    assert answer.status_code == 200, answer.text
    assert answer.json()["merged"] is True
    assert answer.json()["content"] == "ONE\ntyped\ntwo\n"
    assert "etag" not in answer.headers
    await peer.until(lambda: peer.content == "ONE\ntyped\ntwo\n", "the merge")
    with peer.doc.transaction():
        assert cursor.get_index() == 6
    # the same request once more: its answer was lost, say
    again = await put(api.editor, made, "ONE\ntwo\n", etag)
    assert (again.json()["changed"], again.json()["content"]) == (False, "ONE\ntyped\ntwo\n")
    gone = await put(api.editor, made, "x", etag, on_conflict="fail")
    assert refused(gone) == (412, "precondition_failed")
    now = f'"{again.json()["content_hash"]}"'
    assert (await put(api.editor, made, "x", now, on_conflict="fail")).status_code == 200
    await peer.close()


async def test_a_text_that_nobody_remembers_is_refused(api: ApiHarness) -> None:
    made = await api.make(content="one")
    assert refused(await put(api.editor, made, "two", f'"{"0" * 64}"')) == (412, "base_unknown")
    etag = (await content(api.editor, made)).headers["etag"]
    assert (await put(api.editor, made, "two")).status_code == 200
    assert (await content(api.viewer, made)).text == "two"
    await run(api.server, "DELETE FROM document_bases WHERE document_id = $1::text::uuid", [(made["id"],)])
    assert refused(await put(api.editor, made, "three", etag)) == (412, "base_unknown")
    assert (await content(api.editor, made)).text == "two"


async def test_the_last_few_texts_are_remembered(api: ApiHarness) -> None:
    made = await api.make(content="0\n")
    etag = (await content(api.editor, made, "application/json")).headers["etag"]
    for number in range(1, 40):
        assert (await put(api.editor, made, f"0\n{number}\n")).status_code == 200
    rows = await fetch(
        api.server, "SELECT count(*) AS n FROM document_bases WHERE document_id = $1::text::uuid", made["id"]
    )
    assert rows[0]["n"] == 32
    assert (await content(api.viewer, made)).text == "0\n39\n"
    assert refused(await put(api.editor, made, "first\n0\n", etag)) == (412, "base_unknown")


async def test_edits_name_a_place_or_an_existing_text(api: ApiHarness) -> None:
    made = await api.make(content="🙂 one two one\n")
    etag = (await content(api.editor, made)).headers["etag"]
    assert (await patch(api.editor, made, {"find": "two", "replace": "2"})).status_code == 200
    answer = await patch(api.editor, made, {"at": 3, "delete": 3, "insert": "1"}, etag=etag, unit="utf-16")
    assert answer.status_code == 200, answer.text
    assert answer.json()["content"] == "🙂 1 2 one\n"
    assert answer.headers["etag"] == f'"{answer.json()["content_hash"]}"'
    assert refused(await patch(api.editor, made, {"find": "nowhere", "replace": ""})) == (409, "conflict")
    assert refused(await patch(api.editor, made, {"at": 0, "insert": "x"})) == (422, "unprocessable")
    assert refused(await patch(api.editor, made, {"find": "", "replace": ""})) == (422, "invalid")
    assert refused(await patch(api.editor, made)) == (422, "invalid")
    beyond = await patch(api.editor, made, {"at": 99, "insert": "x"}, etag=answer.headers["etag"])
    assert refused(beyond) == (422, "unprocessable")
    both = await patch(api.editor, made, {"find": "1", "replace": "a"}, {"find": "gone", "replace": "b"})
    assert refused(both) == (409, "conflict")
    assert (await content(api.editor, made)).text == "🙂 1 2 one\n"


async def test_programs_add_at_the_end_and_under_a_heading(api: ApiHarness) -> None:
    made = await api.make(content="# Plan\n\n## Today\n\n- a\n\n## Later\n")
    path = path_of(made)
    answers = await asyncio.gather(
        *(
            api.editor.post(f"{path}/insert", json={"content": f"- {n}", "heading": "Today", "between": "line"})
            for n in range(5)
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    answer = await api.editor.post(
        f"{path}/append", json={"content": "The end."}, headers={"prefer": "return=representation"}
    )
    text = answer.json()["content"]
    today = text.partition("## Today\n\n")[2].partition("\n\n## Later")[0].split("\n")
    assert sorted(today) == ["- 0", "- 1", "- 2", "- 3", "- 4", "- a"]
    assert text.endswith("## Later\n\nThe end.\n")
    nowhere = await api.editor.post(f"{path}/insert", json={"content": "x", "heading": ["Plan", "Never"]})
    assert refused(nowhere) == (409, "conflict")


async def test_each_form_has_a_tag_of_its_own(api: ApiHarness) -> None:
    made = await api.make(content="# One\n\n<script>alert(1)</script>\n")
    forms = ("text/markdown", "text/plain", "text/html", "application/json")
    answers = [await content(api.viewer, made, form) for form in forms]
    tags = [answer.headers["etag"] for answer in answers]
    assert len(set(tags)) == 4
    assert "<script>" not in answers[2].text
    for form, tag in zip(forms, tags, strict=True):
        same = await api.viewer.get(path_of(made), headers={"accept": form, "if-none-match": tag})
        assert (same.status_code, same.headers["etag"]) == (304, tag)
    by_name = await api.viewer.get(path_of(made), params={"format": "html"})
    assert (by_name.text, by_name.headers["etag"]) == (answers[2].text, tags[2])
    # what was rendered cannot be sent back
    assert refused(await put(api.editor, made, "x", tags[2])) == (400, "malformed")
    assert (await put(api.editor, made, "x", tags[3])).status_code == 200


async def test_who_may_not_edit_is_refused(api: ApiHarness) -> None:
    made = await api.make(api.other, content="text")
    for role in ROLES:
        who = api.staff[role]
        expected = 403 if role in ("commenter", "viewer") else 200
        for answer in (
            await put(who, made, "text"),
            await patch(who, made, {"find": "text", "replace": "text"}),
            await who.post(f"{path_of(made)}/append", json={"content": role}),
        ):
            assert answer.status_code == expected, (role, answer.text)
            made_again = await put(api.owner, made, "text")
            assert made_again.status_code == 200
    assert refused(await put(api.stranger, made, "x")) == (404, "not_found")
    assert refused(await put(await api.editor.with_scope("read"), made, "x")) == (403, "forbidden")


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"content-type": "text/html"}, b"x", (415, "unsupported_media_type")),
        ({"content-type": ""}, b"x", (415, "unsupported_media_type")),
        ({"content-type": "text/markdown; charset=utf-16"}, b"x", (415, "unsupported_media_type")),
        (MARKDOWN, b"\xff\xfe", (400, "malformed")),
        (MARKDOWN, b"\xed\xa0\x80", (400, "malformed")),
        (MARKDOWN, b"a\0b", (400, "malformed")),
        (MARKDOWN, b"x" * 10_000_001, (413, "too_large")),
        ({**MARKDOWN, "if-match": "r7"}, b"x", (400, "malformed")),
        ({**MARKDOWN, "if-match": '"r7"'}, b"x", (400, "malformed")),
        ({**MARKDOWN, "if-match": '"abc", "def"'}, b"x", (400, "malformed")),
        ({"content-type": "application/json"}, b"{", (400, "malformed")),
        ({"content-type": "application/json"}, b"[" * 100_000, (400, "malformed")),
        ({"content-type": "application/json"}, b'{"content": 1}', (422, "unprocessable")),
        ({"content-type": "application/json"}, b'{"content": "\\ud800"}', (400, "malformed")),
        ({"content-type": "application/json"}, b'{"content": "\\u0000"}', (400, "malformed")),
    ],
)
async def test_a_bad_body_is_a_problem_and_changes_nothing(
    api: ApiHarness, headers: dict[str, str], body: bytes, expected: tuple[int, str]
) -> None:
    made = await api.make(content="text")
    assert refused(await api.editor.put(path_of(made), content=body, headers=headers)) == expected
    assert (await content(api.editor, made)).text == "text"


async def test_bad_questions_are_problems(api: ApiHarness) -> None:
    made = await api.make(content="text")
    assert refused(await put(api.editor, made, "x", on_conflict="fail")) == (400, "malformed")
    assert refused(await put(api.editor, made, "x", on_conflict="never")) == (422, "invalid")
    for text in ("a\0", "\ud800"):
        body = b'{"edits": [{"find": "text", "replace": ' + repr(text).replace("'", '"').encode() + b"}]}"
        answer = await api.editor.patch(
            path_of(made), content=body.replace(b"\\x00", b"\\u0000"), headers={"content-type": "application/json"}
        )
        assert answer.status_code in (400, 422), answer.text
    assert (await content(api.editor, made)).text == "text"


async def test_encrypted_archived_and_deleted_documents_take_nothing(api: ApiHarness) -> None:
    secret = await api.make(type="password", content_encrypted="c2VjcmV0", encryption={"alg": "A256GCM"})
    assert refused(await put(api.editor, secret, "x")) == (422, "unprocessable")
    alone = await api.make(settings={"collaboration": False})
    assert (await put(api.editor, alone, "x")).status_code == 200
    gone = await api.make(content="x")
    assert (await api.editor.delete(f"/documents/{gone['id']}")).status_code == 204
    assert refused(await put(api.editor, gone, "y")) == (404, "not_found")
    behind = await api.make(content="x")
    assert (await put(api.editor, behind, "y")).status_code == 200
    await run(api.server, "UPDATE documents SET deleted_at = now() WHERE id = $1::text::uuid", [(behind["id"],)])
    assert refused(await put(api.editor, behind, "z")) == (404, "not_found")
    team = (await api.owner.post("/workspaces", json={"name": "Old"})).json()["id"]
    old = await api.make(api.owner, team)
    assert (await api.owner.post(f"/workspaces/{team}/archive")).status_code == 200
    assert refused(await put(api.owner, old, "y")) == (403, "forbidden")


async def test_nobody_loses_a_character_while_programs_edit(api: ApiHarness) -> None:
    seed = choose_seed()
    dice = random.Random(seed)
    text = "".join(f"- item {number} is open\n" for number in range(40))
    made = await api.make(name=f"crowd-{seed}", content=text)
    peers = [
        await Peer(api.server, family, made["address"], token=api.other.token, author=family).sync()
        for family in FAMILIES
    ]
    places = [text.encode().index(b"item 10 "), text.encode().index(b"item 20 ")]
    cursors = [peer.text.sticky_index(place, Assoc.AFTER) for peer, place in zip(peers, places, strict=True)]
    done = asyncio.Event()

    async def type_on(peer: Peer) -> None:
        while not done.is_set():
            mark = f"<{peer.author}.{len(peer.typed)}>"
            peer.typed.add(mark.encode())
            ends = [place for place, byte in enumerate(peer.content.encode()) if byte == 10]
            peer.insert(mark, dice.choice(ends))
            await peer.saved()

    etag = (await content(api.editor, made)).headers["etag"]
    typing = [asyncio.create_task(type_on(peer)) for peer in peers]
    for number in range(PATCHES):
        if number % 3 == 0:
            item = f"item {number % 40} "
            answer = await patch(api.editor, made, {"find": item, "replace": f"{item}({number}) "})
        elif number % 3 == 1:
            body = {"content": f"- done {number}", "between": "line"}
            answer = await api.editor.post(f"{path_of(made)}/append", json=body)
        else:
            answer = await put(api.editor, made, text.replace("open", f"open{number}", 1), etag)
        assert answer.status_code == 200, answer.text
    done.set()
    await asyncio.gather(*typing)
    await until(lambda: peers[0].content == peers[1].content, "both to have the same")
    result = peers[0].content
    for peer, cursor, item in zip(peers, cursors, ("item 10 ", "item 20 "), strict=True):
        assert [mark for mark in peer.typed if result.count(mark.decode()) != 1] == [], result
        with peer.doc.transaction():
            assert result.encode()[cursor.get_index() :].decode().startswith(item)
    assert all(f"- done {number}" in result for number in range(1, PATCHES, 3))
    assert all(f"({number}) " in result for number in range(0, PATCHES, 3))
    assert (await content(api.editor, made)).text == result
    for peer in peers:
        await peer.close()


async def test_a_prosemirror_document_is_read_as_its_nodes(api: ApiHarness) -> None:
    made, plain = await api.make(name="nodes"), await api.make(content="# Plan")
    peer = await Peer(api.server, "yws", made["address"], token=api.editor.token, root="aside").sync()
    fragment = peer.doc.get("default", type=XmlFragment)
    fragment.children.append(XmlElement("heading", {"level": "2"}, [XmlText("Plan")]))
    await peer.saved()
    form = {"format": "prosemirror"}
    got = await api.viewer.get(path_of(made), params=form)
    assert (got.status_code, got.headers["content-type"]) == (200, "application/json")
    heading = {"type": "heading", "attrs": {"level": "2"}, "content": [{"type": "text", "text": "Plan"}]}
    assert got.json() == {"type": "doc", "content": [heading]}
    held = {"if-none-match": got.headers["etag"]}
    assert (await api.viewer.get(path_of(made), params=form, headers=held)).status_code == 304
    with peer.doc.transaction():
        fragment.children[0].attributes["level"] = "3"
    await peer.saved()
    again = await api.viewer.get(path_of(made), params=form, headers=held)
    assert again.json()["content"][0]["attrs"] == {"level": "3"}
    assert refused(await api.viewer.get(path_of(plain), params=form)) == (422, "unprocessable")
    assert refused(await api.stranger.get(path_of(made), params=form)) == (404, "not_found")
    await peer.close()
