"""What people do to documents without a connection, and what comes of it when there is one."""

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from collab_server.client.local_document import NoSuchDocument
from collab_server.client.offline import NotSetUp, OfflineClient
from tests.client.devices import device, met, text_on_server
from tests.features.api_harness import ApiHarness
from tests.features.history.test_generations import scribble_in
from tests.features.workspaces.teams import ok, team
from tests.peers import Peer
from tests.people import fetch, people, run
from tests.waiting import until


async def test_what_was_done_offline_is_on_the_server_after_a_sync(field: ApiHarness, tmp_path: Path) -> None:
    async with device(tmp_path, field.editor) as laptop:
        made = await laptop.create("On a train", "one\ntwo\n", UUID(field.team))
        await laptop.splice(made, 4, 3, "zwei")
        await laptop.append(made, "drei 🚂\n")
        await laptop.set_tags(made, ["Travel"])
        await laptop.rename(made, "On a faster train")
        assert await laptop.content(made) == "one\nzwei\ndrei 🚂\n"
        await laptop.sync()
        assert (await laptop.status())[1:] == (0, 0)
        assert await text_on_server(field.viewer, made) == "one\nzwei\ndrei 🚂\n"
        shown = (await field.viewer.get(f"/documents/{made}")).json()
        assert (shown["title"], [tag["name"] for tag in shown["tags"]]) == ("On a faster train", ["Travel"])
        conflicts = (await field.viewer.get(f"/documents/{made}/conflicts")).json()["items"]
        assert conflicts == []
        await laptop.remove(made)
        await laptop.sync()
        assert (await field.viewer.get(f"/documents/{made}")).status_code == 404


async def test_what_is_written_offline_on_windows_has_line_feeds(field: ApiHarness, tmp_path: Path) -> None:
    async with device(tmp_path, field.editor) as laptop:
        made = await laptop.create("Windows", "one\r\ntwo\r\n", UUID(field.team))
        await laptop.append(made, "three\r\n")
        await laptop.splice(made, 0, 3, "1\rI")
        await laptop.sync()
        assert await laptop.content(made) == await text_on_server(field.viewer, made) == "1\nI\ntwo\nthree\n"
        await laptop.replace(made, "1\r\nI\r\ntwo\r\nthree\r\nfour")
        await laptop.sync()
        assert await text_on_server(field.viewer, made) == "1\nI\ntwo\nthree\nfour"


async def test_edits_of_two_devices_to_the_same_text_converge(field: ApiHarness, tmp_path: Path) -> None:
    async with device(tmp_path, field.editor) as laptop, device(tmp_path, field.editor) as phone:
        made = await laptop.create("Shared", "The quick brown fox\n", UUID(field.team))
        await met(laptop, phone)
        await laptop.replace(made, "The very quick brown fox\nfrom the laptop\n")
        await phone.replace(made, "The quick brown vixen\nfrom the phone\n")
        await phone.append(made, "and again\n")
        await met(laptop, phone)
        here, there = await laptop.content(made), await phone.content(made)
        assert here == there == await text_on_server(field.viewer, made)
        assert "The very quick brown vixen" in here
        for line in ("from the laptop", "from the phone", "and again"):
            assert here.count(line) == 1


async def test_what_others_do_arrives_changed_renamed_and_deleted(field: ApiHarness, tmp_path: Path) -> None:
    async with device(tmp_path, field.editor) as laptop, device(tmp_path, field.other) as phone:
        kept = await laptop.create("Kept", "text", UUID(field.team))
        gone = await laptop.create("Gone", "text", UUID(field.team))
        await met(laptop, phone)
        assert await phone.content(kept) == "text"
        await field.owner.patch(f"/documents/{kept}", json={"title": "Renamed", "status": "active"})
        await field.owner.delete(f"/documents/{gone}")

        async def knows() -> bool:
            await phone.sync()
            titles = {one.id: one.title for one in await phone.documents()}
            return titles.get(kept) == "Renamed" and gone not in titles

        await until(knows, "the phone to know")
        with pytest.raises(NoSuchDocument):
            await phone.content(gone)


async def test_the_last_rename_wins_and_the_other_is_on_record(field: ApiHarness, tmp_path: Path) -> None:
    async with device(tmp_path, field.editor) as laptop, device(tmp_path, field.other) as phone:
        made = await laptop.create("Plan", "", UUID(field.team))
        await met(laptop, phone)
        await laptop.rename(made, "Of the laptop")
        await phone.rename(made, "Of the phone")
        await met(laptop, phone)
        assert {one.title for client in (laptop, phone) for one in await client.documents() if one.id == made} == {
            "Of the phone"
        }
        [conflict] = (await field.editor.get(f"/documents/{made}/conflicts")).json()["items"]
        assert (conflict["overwritten"], conflict["written"]) == ({"title": "Of the laptop"}, {"title": "Of the phone"})


async def test_edits_of_a_document_that_others_deleted_are_kept_and_go_when_it_is_back(
    field: ApiHarness, tmp_path: Path
) -> None:
    async with device(tmp_path, field.editor) as laptop:
        made = await laptop.create("Plan", "known ", UUID(field.team))
        await laptop.sync()
        await laptop.append(made, "unsent")
        await field.owner.delete(f"/documents/{made}")
        await laptop.sync()
        [shown] = [one for one in await laptop.documents() if one.id == made]
        assert shown.refused == "not_found"
        assert await laptop.content(made) == "known unsent"
        await field.owner.post(f"/documents/{made}/restore")

        async def is_sent() -> bool:
            await laptop.sync()
            return not (await laptop.status())[1]

        await until(is_sent, "the edits to be sent")
        assert await text_on_server(field.viewer, made) == "known unsent"


async def test_a_document_that_was_replaced_is_taken_anew_and_unsent_text_is_kept(
    field: ApiHarness, tmp_path: Path
) -> None:
    async with device(tmp_path, field.editor) as laptop:
        made = await laptop.create("Plan", "old", UUID(field.team))
        await laptop.sync()
        await laptop.append(made, " and unsent")

        async def is_folded() -> bool:
            return bool(
                await fetch(field.server, "SELECT FROM documents WHERE id = $1 AND yjs_state IS NOT NULL", made)
            )

        # A fold at the same time would bring the old text into the new generation.
        await until(is_folded, "the snapshot")
        statement = (
            "WITH emptied AS (UPDATE document_heads SET snapshot_clock = NULL WHERE document_id = $1)"
            " UPDATE documents SET generation = generation + 1, yjs_state = NULL WHERE id = $1"
        )
        await run(field.server, statement, [(made,)])

        async def is_told() -> bool:
            await laptop.sync()
            return bool(await laptop.rescued())

        await until(is_told, "the client to be told")
        [(_, document_id, title, reason, text)] = await laptop.rescued()
        assert (document_id, title, text) == (made, "Plan", "old and unsent")
        assert reason.startswith("stale_generation")
        await laptop.append(made, "new")
        await laptop.sync()
        assert await laptop.content(made) == "new"


async def test_unsent_edits_are_carried_over_to_a_document_that_was_compacted(
    field: ApiHarness, tmp_path: Path
) -> None:
    async with device(tmp_path, field.editor) as laptop:
        made = await laptop.create("Plan", "", UUID(field.team))
        await laptop.sync()
        peer = await Peer(field.server, "yws", str(made), token=field.other.token).sync()
        scribble_in(peer.text)
        peer.insert("known", 0)
        await peer.saved()
        await peer.close()

        async def is_known() -> bool:
            await laptop.sync()
            return (await laptop.content(made)).startswith("known")

        await until(is_known, "the text of the other")
        wanted = await laptop.content(made)
        await laptop.append(made, " and unsent")
        compacted = await field.owner.post(f"/documents/{made}/compact-history")
        assert compacted.status_code == 200, compacted.text
        for words in (" and unsent", " and more"):
            if words not in await laptop.content(made):
                await laptop.append(made, words)
            wanted += words

            async def is_everywhere(text: str) -> bool:
                await laptop.sync()
                return await laptop.content(made) == text == await text_on_server(field.viewer, made)

            await until(lambda text=wanted: is_everywhere(text), wanted[-30:])  # type: ignore[misc]
        assert await laptop.rescued() == []


async def test_unsent_edits_are_carried_over_to_a_document_that_became_rich_text(
    field: ApiHarness, tmp_path: Path
) -> None:
    async with device(tmp_path, field.editor) as laptop:
        made = await laptop.create("Plan", "* one\n* two\n", UUID(field.team))
        await laptop.sync()
        await laptop.append(made, "* and **unsent**\n")
        converted = await field.other.post(f"/documents/{made}/convert", json={"to": "rich_text"})
        assert converted.status_code == 200, converted.text

        async def is_everywhere(text: str) -> bool:
            await laptop.sync()
            return await laptop.content(made) == text == await text_on_server(field.viewer, made)

        wanted = "- one\n- two\n- and **unsent**"
        await until(lambda: is_everywhere(wanted), "the unsent edit")
        # What is typed from now on is put into the nodes.
        await laptop.append(made, "\n- last")
        await until(lambda: is_everywhere(f"{wanted}\n- last"), "the next edit")
        nodes = await field.viewer.get(f"/documents/{made}/content", params={"format": "prosemirror"})
        assert [block["type"] for block in nodes.json()["content"]] == ["bulletList"]
        assert await laptop.rescued() == []


async def test_who_may_no_longer_edit_keeps_what_was_done_and_sends_it_when_that_is_over(
    field: ApiHarness, tmp_path: Path
) -> None:
    async with device(tmp_path, field.other) as laptop:
        made = await laptop.create("Plan", "known ", UUID(field.team))
        await laptop.sync()
        await laptop.append(made, "unsent")
        member = f"/workspaces/{field.team}/members/{field.other.id}"
        try:
            assert (await field.owner.patch(member, json={"role": "viewer"})).is_success
            report = await laptop.sync()
            assert report.refused == 1
            assert await laptop.content(made) == "known unsent"
        finally:
            assert (await field.owner.patch(member, json={"role": "editor"})).is_success

        async def is_sent() -> bool:
            await laptop.sync()
            return not (await laptop.status())[1]

        await until(is_sent, "the edits to be sent")
        assert await text_on_server(field.viewer, made) == "known unsent"


async def test_a_client_whose_cursor_is_too_old_lists_everything_anew(field: ApiHarness, tmp_path: Path) -> None:
    async with device(tmp_path, field.editor) as laptop, device(tmp_path, field.editor) as phone:
        kept = await laptop.create("Kept", "a", UUID(field.team))
        gone = await laptop.create("Gone", "b", UUID(field.team))
        await met(laptop, phone)
        await laptop.append(kept, "c")
        await laptop.remove(gone)
        late = await laptop.create("Late", "d", UUID(field.team))
        await laptop.sync()
        await forget_the_feed(field)
        await phone.sync()
        assert await phone.content(kept) == "ac"
        assert await phone.content(late) == "d"
        with pytest.raises(NoSuchDocument):
            await phone.content(gone)


async def forget_the_feed(field: ApiHarness) -> None:
    """As after the feed's retention."""
    await run(field.server, "UPDATE sync_log SET created_at = created_at - interval '400 days'")
    await run(field.server, "SELECT app.purge_sync_log(90)")


async def test_a_watching_client_sends_what_another_process_edits_and_hears_of_others(
    field: ApiHarness, tmp_path: Path
) -> None:
    async with device(tmp_path, field.editor) as laptop, OfflineClient(laptop._path) as beside:
        made = await laptop.create("Plan", "", UUID(field.team))
        await laptop.sync()

        async def watch() -> None:
            async for _ in laptop.watch():
                pass

        watching = asyncio.create_task(watch())
        try:
            await beside.append(made, "from beside")

            async def is_there() -> bool:
                return await text_on_server(field.viewer, made) == "from beside"

            await until(is_there, "the edit on the server")
            await field.owner.patch(f"/documents/{made}", json={"title": "Heard"})

            async def is_heard() -> bool:
                return {one.title for one in await beside.documents() if one.id == made} == {"Heard"}

            await until(is_heard, "the new title")
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


async def test_a_new_document_before_the_first_sync_needs_a_workspace(tmp_path: Path) -> None:
    async with OfflineClient(tmp_path / "new.sqlite") as client:
        with pytest.raises(NotSetUp):
            await client.create("Too early")
        with pytest.raises(NotSetUp):
            await client.sync()


async def test_versions_in_the_feed_change_nothing(field: ApiHarness, tmp_path: Path) -> None:
    async with device(tmp_path, field.viewer) as laptop:
        refused = await laptop.create("Not mine to make", "text", UUID(field.team))
        await laptop.sync()
        made = await field.make(content="words")
        await laptop.sync()
        path = f"/documents/{made['id']}/versions"
        assert (await field.editor.post(path, json={"label": "One"})).status_code == 201
        assert (await field.editor.patch(f"{path}/1", json={"pinned": True})).status_code == 200
        assert (await field.admin.delete(f"{path}/1")).status_code == 204
        cursor = await laptop._do(laptop._opened.get, "cursor")
        told = (await field.viewer.get("/sync", params={"cursor": cursor})).json()["items"]
        assert [(one["entity_type"], one["operation"]) for one in told] == [
            ("version", operation) for operation in ("create", "update", "delete")
        ]
        report = await laptop.sync()
        assert (report.pulled, report.pushed) == (0, 0)
        assert await laptop.content(UUID(made["id"])) == "words"
        assert [one[0] for one in await laptop.refused()] == [refused], "a version gives nobody rights"
        assert await laptop._do(laptop._opened.get, "cursor") != cursor


async def test_a_shared_document_is_read_again_where_entries_are_missing(field: ApiHarness, tmp_path: Path) -> None:
    [owner] = await people(field.server, "owner")
    space = (await team(owner))["id"]
    async with device(tmp_path, field.stranger) as laptop:
        await laptop.sync()
        made = await field.make(owner, space, content="words")
        body = {"kind": "user", "user_id": field.stranger.id, "permission": "read"}
        ok(await owner.post(f"/documents/{made['id']}/shares", json=body), 201)
        await laptop.sync()
        assert await laptop.content(UUID(made["id"])) == "words"
        text = {"content-type": "text/plain"}
        path = f"/documents/{made['id']}/content"
        assert (await owner.put(path, content="other words", headers=text)).status_code == 200
        outdate = "UPDATE sync_log SET created_at = now() - interval '91 days' WHERE workspace_id = $1"
        await run(field.server, outdate, [(UUID(space),)])
        await field.server.maintain()
        assert await fetch(field.server, "SELECT FROM sync_log WHERE workspace_id = $1", UUID(space)) == []
        await laptop.sync()
        assert await laptop.content(UUID(made["id"])) == "other words"
