"""Comments that people write without a connection, and what comes of them when there is one."""

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from collab_server.client.comments import LocalComment, NoSuchComment
from collab_server.client.offline import OfflineClient
from tests.client.devices import device, met
from tests.features.api_harness import ApiHarness
from tests.waiting import until

TEXT = "The price is high. The price is fair. Ünïcode 🚂 words stand here.\n"


async def plan(field: ApiHarness, laptop: OfflineClient, text: str = TEXT) -> UUID:
    made = await laptop.create("Plan", text, UUID(field.team))
    await laptop.sync()
    return made


def said(comments: list[LocalComment]) -> list[str]:
    return [one.content for one in comments]


async def on_server(field: ApiHarness, document: UUID) -> dict[str, dict[str, object]]:
    answer = await field.viewer.get(f"/documents/{document}/comments", params={"limit": 200})
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    found = {one["content"]: one for one in items}
    assert len(found) == len(items), "a text is there twice"
    return found


async def test_what_was_said_offline_is_there_after_a_sync_and_others_read_it_offline(
    field: ApiHarness, tmp_path: Path
) -> None:
    async with device(tmp_path, field.editor) as laptop, device(tmp_path, field.other) as phone:
        made = await plan(field, laptop)
        at = TEXT.index("price is fair")
        first = await laptop.comment(made, "Which?", quote="price", at=at)
        words = await laptop.comment(made, "A train", quote="Ünïcode 🚂 words")
        reply = await laptop.comment(made, "The fair one", parent=first)
        await laptop.edit_comment(reply, "The fair price")
        whole = await laptop.comment(made, f"About all, @[Other](user:{field.other.id})")
        await laptop.react(first, "👍")
        await laptop.resolve(words)
        gone = await laptop.comment(made, "Never mind")
        await laptop.delete_comment(gone)
        before = await laptop.comments(made)
        assert said(before) == ["Which?", "The fair price", "A train", before[3].content]
        assert all(one.waiting for one in before)
        report = await laptop.sync()
        assert (report.refused, report.refusals) == (0, [])
        after = await laptop.comments(made)
        assert [(one.id, one.content, one.resolved, one.quote) for one in after] == [
            (one.id, one.content, one.resolved, one.quote) for one in before
        ]
        assert not any(one.waiting for one in after)
        found = await on_server(field, made)
        assert {UUID(str(one["id"])) for one in found.values()} == {first, words, reply, whole}
        assert found["Which?"]["anchor"]["start"] == at  # type: ignore[index]
        assert found["Which?"]["reactions"][0]["emoji"] == "👍"  # type: ignore[index]
        assert found["A train"]["anchor"]["quote"] == "Ünïcode 🚂 words"  # type: ignore[index]
        assert found["A train"]["resolved"] is True
        await phone.sync()
        assert said(await phone.comments(made)) == said(after)
        await phone.react(first, "👍")
        await phone.unreact(first, "👍")
        await phone.react(first, "👍")
        await phone.reopen(words)
        await phone.comment(made, "Bought", parent=words)
        await met(phone, laptop)
        here, there = await laptop.comments(made), await phone.comments(made)
        assert said(here) == said(there)
        assert [one.resolved for one in here] == [False] * len(here)
        assert here[0].reactions["👍"].count == 2
        assert (await laptop.status())[1:] == (0, 0)


async def test_a_comment_stands_on_its_words_though_others_write_around_them_meanwhile(
    field: ApiHarness, tmp_path: Path
) -> None:
    async with device(tmp_path, field.editor) as laptop, device(tmp_path, field.other) as phone:
        made = await plan(field, laptop)
        await phone.sync()
        await laptop.splice(made, 0, 0, "price first. ")
        text = await laptop.content(made)
        comment = await laptop.comment(made, "This", quote="price", at=text.index("price is fair"))
        fresh = await laptop.comment(made, "That", quote="price first")
        await phone.splice(made, 0, 0, "The price is fair. " * 3)
        await phone.splice(made, (await phone.content(made)).rindex("price is fair") + 2, 0, "-")
        await met(phone, laptop)
        report = await laptop.sync()
        assert report.refusals == []
        found = await on_server(field, made)
        whole = await laptop.content(made)
        for said_, word in (("This", "pr-ice is fair"), ("That", "price first")):
            anchor = found[said_]["anchor"]
            assert whole[anchor["start"] : anchor["start"] + len(word)] == word  # type: ignore[index]
        assert {comment, fresh} == {UUID(str(found[one]["id"])) for one in ("This", "That")}


async def test_what_the_server_refuses_is_told_with_its_code_and_holds_nothing_up(
    field: ApiHarness, tmp_path: Path
) -> None:
    async with device(tmp_path, field.editor) as laptop, device(tmp_path, field.other) as phone:
        made = await plan(field, laptop)
        theirs = await laptop.comment(made, "Of the editor")
        await laptop.sync()
        await phone.sync()
        await phone.comments(made)
        await phone.sync()
        await phone.edit_comment(theirs, "Not mine")
        await phone.react(theirs, "ab🚂")
        lost = await phone.comment(made, "On lost words", quote="Ünïcode")
        reply = await phone.comment(made, "A reply to it", parent=lost)
        kept = await phone.comment(made, "Kept")
        await laptop.splice(made, TEXT.index("Ünïcode"), 7, "")
        await laptop.sync()
        report = await phone.sync()
        told = {(one.comment_id, one.kind): (one.code, one.text) for one in report.refusals}
        assert told == {
            (theirs, "edit"): ("forbidden", "Not mine"),
            (theirs, "react"): ("unprocessable", None),
            (lost, "create"): ("unprocessable", "On lost words"),
            (reply, "create"): ("unprocessable", "A reply to it"),
        }
        assert report.refused == 4
        assert await phone.refused_comments() == report.refusals
        assert set(await on_server(field, made)) == {"Of the editor", "Kept"}
        assert {one.id for one in await phone.comments(made)} == {theirs, kept}
        assert (await phone.sync()).refusals == []
        await laptop.append(made, "Ünïcode again")
        await laptop.sync()
        for one in report.refusals:
            await (phone.retry_comment if one.kind == "create" else phone.dismiss_comment)(one.number)
        assert (await phone.sync()).refusals == []
        assert await phone.refused_comments() == []
        assert set(await on_server(field, made)) == {"Of the editor", "Kept", "On lost words", "A reply to it"}
        with pytest.raises(NoSuchComment):
            await phone.retry_comment(report.refusals[0].number)


async def test_an_edit_of_a_text_that_changed_meanwhile_is_a_conflict_with_both_texts(
    field: ApiHarness, tmp_path: Path
) -> None:
    async with device(tmp_path, field.editor) as laptop, device(tmp_path, field.editor) as phone:
        made = await plan(field, laptop)
        one, two = [await laptop.comment(made, text) for text in ("One", "Two")]
        await laptop.sync()
        await phone.sync()
        await phone.comments(made)
        await phone.sync()
        for comment, text in ((one, "One of the phone"), (two, "Two of the phone")):
            await phone.edit_comment(comment, text)
        await laptop.edit_comment(one, "One of the laptop")
        await laptop.resolve(two)
        await laptop.sync()
        [refusal] = (await phone.sync()).refusals
        assert (refusal.comment_id, refusal.kind, refusal.code) == (one, "edit", "precondition_failed")
        assert (refusal.text, refusal.theirs) == ("One of the phone", "One of the laptop")
        assert set(said(await phone.comments(made))) == {"One of the laptop", "Two of the phone"}
        assert set(await on_server(field, made)) == {"One of the laptop", "Two of the phone"}
        await phone.retry_comment(refusal.number)
        assert (await phone.sync()).refusals == []
        assert set(await on_server(field, made)) == {"One of the phone", "Two of the phone"}


async def test_comments_of_a_document_that_is_gone_are_kept_as_refusals(field: ApiHarness, tmp_path: Path) -> None:
    async with device(tmp_path, field.editor) as laptop:
        made = await plan(field, laptop)
        await laptop.comment(made, "Sent")
        await laptop.sync()
        await laptop.comment(made, "Unsent")
        await field.owner.delete(f"/documents/{made}")
        [refusal] = (await laptop.sync()).refusals
        assert (refusal.document_id, refusal.code, refusal.text) == (made, "not_found", "Unsent")
        await field.owner.post(f"/documents/{made}/restore")

        async def is_back() -> bool:
            await laptop.sync()
            return made in {one.id for one in await laptop.documents()}

        await until(is_back, "the document to be back")
        assert said(await laptop.comments(made)) == ["Sent"]


async def test_who_may_no_longer_comment_is_told_and_who_may_not_see_keeps_no_comment(
    field: ApiHarness, tmp_path: Path
) -> None:
    async with device(tmp_path, field.editor) as laptop, device(tmp_path, field.other) as phone:
        made = await plan(field, laptop)
        first = await laptop.comment(made, "First")
        await laptop.sync()
        await phone.sync()
        await phone.comments(made)
        await phone.sync()
        assert said(await phone.comments(made)) == ["First"]
        await phone.react(first, "🎉")
        await phone.comment(made, "Too late")
        member = f"/workspaces/{field.team}/members/{field.other.id}"
        try:
            assert (await field.owner.patch(member, json={"role": "viewer"})).is_success
            refusals = (await phone.sync()).refusals
            assert [(one.kind, one.code) for one in refusals] == [("react", "forbidden"), ("create", "forbidden")]
        finally:
            assert (await field.owner.patch(member, json={"role": "editor"})).is_success


async def test_a_device_whose_cursor_is_lost_lists_the_comments_of_its_documents_anew(
    field: ApiHarness, tmp_path: Path
) -> None:
    async with device(tmp_path, field.editor) as laptop, device(tmp_path, field.other) as phone:
        made = await plan(field, laptop)
        gone = await laptop.comment(made, "Gone")
        await laptop.sync()
        await phone.sync()
        await phone.comments(made)
        await phone.sync()
        await phone.comment(made, "Of the phone")
        await laptop.delete_comment(gone)
        await laptop.comment(made, "New")
        await laptop.sync()
        await phone._do(phone._opened.set, cursor="of another server")
        await phone.sync()
        assert set(said(await phone.comments(made))) == {"New", "Of the phone"}


async def test_a_new_device_has_the_comments_of_documents_with_open_threads(field: ApiHarness, tmp_path: Path) -> None:
    async with device(tmp_path, field.editor) as laptop:
        made, quiet = await plan(field, laptop), await plan(field, laptop)
        await laptop.comment(made, "Open")
        await laptop.resolve(await laptop.comment(quiet, "Resolved"))
        await laptop.sync()
        async with device(tmp_path, field.other) as phone:
            assert said(await phone.comments(made)) == ["Open"]
            assert await phone.comments(quiet) == []
            await phone.sync()
            assert said(await phone.comments(quiet)) == ["Resolved"]


async def test_comments_on_a_document_that_was_made_offline_follow_it(field: ApiHarness, tmp_path: Path) -> None:
    async with device(tmp_path, field.editor) as laptop:
        made = await laptop.create("New", "some words", UUID(field.team))
        await laptop.comment(made, "On them", quote="words")
        await laptop.append(made, " and more")
        await laptop.sync()
        found = await on_server(field, made)
        assert found["On them"]["anchor"]["start"] == 5  # type: ignore[index]
        assert (await laptop.status())[1:] == (0, 0)


async def test_what_cannot_be_a_comment_is_refused_at_once(field: ApiHarness, tmp_path: Path) -> None:
    async with device(tmp_path, field.editor) as laptop:
        made = await plan(field, laptop)
        first = await laptop.comment(made, "First")
        for arguments in (
            {"content": " \n"},
            {"content": "x" * 65_537},
            {"content": "x", "quote": "nowhere"},
            {"content": "x", "quote": "price"},
            {"content": "x", "quote": "price", "at": 0},
            {"content": "x", "quote": "price", "parent": first},
            {"content": "x", "at": 3},
        ):
            with pytest.raises(ValueError):
                await laptop.comment(made, **arguments)
        with pytest.raises(NoSuchComment):
            await laptop.comment(made, "x", parent=made)
        with pytest.raises(NoSuchComment):
            await laptop.edit_comment(made, "x")
        with pytest.raises(ValueError):
            await laptop.react(first, "+1")
        assert said(await laptop.comments(made)) == ["First"]


async def test_a_client_that_watches_sends_and_fetches_comments(field: ApiHarness, tmp_path: Path) -> None:
    async with device(tmp_path, field.editor) as laptop, device(tmp_path, field.other) as phone:
        made = await plan(field, laptop)
        await phone.sync()

        async def watch() -> None:
            async for _ in phone.watch():
                pass

        watching = asyncio.create_task(watch())
        try:
            assert await phone.comments(made) == []
            said_here = await phone.comment(made, "Of the phone")

            async def is_sent() -> bool:
                return "Of the phone" in await on_server(field, made)

            await until(is_sent, "the comment to be sent")
            await laptop.sync()
            await laptop.comment(made, "Reply", parent=said_here)
            await laptop.sync()

            async def is_here() -> bool:
                return said(await phone.comments(made)) == ["Of the phone", "Reply"]

            await until(is_here, "the reply")
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


async def test_a_client_that_watches_ends_although_somebody_edits_at_that_moment(
    field: ApiHarness, tmp_path: Path
) -> None:
    async with device(tmp_path, field.editor) as laptop:
        await plan(field, laptop)

        async def watch() -> None:
            async for _ in laptop.watch():
                pass

        watching = asyncio.create_task(watch())
        edited = laptop._edited
        await until(lambda: bool(edited._waiters), "the client to wait for edits")
        edited.set()
        watching.cancel()
        async with asyncio.timeout(30):
            await asyncio.gather(watching, return_exceptions=True)
        assert watching.cancelled()
