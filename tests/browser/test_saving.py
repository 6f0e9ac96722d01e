"""What the page says about saving is true, whatever happens to the server."""

import re
from pathlib import Path

import psutil
from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.reader import AGAIN, WITHIN
from tests.server import Server
from tests.test_outage import frozen


async def test_text_typed_while_the_server_is_away_is_saved_when_it_is_back(
    tmp_path: Path, arrive: Arrive, name: str
) -> None:
    async with Server(tmp_path) as server:
        ada = await arrive(server)
        await ada.open(name)
        await ada.write("before ")
        await ada.sees_status("saved")
        await server.terminate()
        await ada.sees_status(["offline", "busy"])
        await ada.forget_statuses()
        await ada.write("meanwhile")
        await ada.sees("before meanwhile")
        await ada.sees_status("offline")
        await expect(ada.page.get_by_role("alert").first).to_contain_text("kept in this browser")
        assert "saved" not in await ada.statuses()
        await server.start()
        await ada.sees_status("saved", AGAIN)
        await server.kill()
        await server.start()
        grace = await arrive(server, name="Grace Hopper")
        await grace.open(name)
        await grace.sees("before meanwhile")


async def test_text_typed_offline_survives_the_closing_of_the_tab(tmp_path: Path, arrive: Arrive, name: str) -> None:
    async with Server(tmp_path) as server:
        ada = await arrive(server)
        await ada.open(name)
        await ada.write("before ")
        await ada.sees_status("saved")
        await server.kill()
        await ada.sees_status("offline")
        await ada.write("then the tab was closed")
        await expect(ada.page.get_by_role("alert").first).to_contain_text("kept in this browser")
        await ada.page.close(run_before_unload=False)
        await server.start()
        await ada.new_tab()
        await ada.open(name)
        await ada.sees("before then the tab was closed")
        grace = await arrive(server, name="Grace Hopper")
        await grace.open(name)
        await grace.sees("before then the tab was closed")


async def test_saved_is_shown_only_after_the_commit(tmp_path: Path, arrive: Arrive, name: str) -> None:
    async with Server(tmp_path) as server:
        ada = await arrive(server)
        await ada.open(name)
        await ada.write("stored ")
        await ada.sees_status("saved")
        async with frozen(psutil.Process(server.postgres_pid)):
            await ada.write("waiting")
            await ada.sees_status("saving")
            await ada.forget_statuses()
            await ada.sees_status("delayed")
            await expect(ada.page.locator("#status-label")).to_have_text("Not saved yet")
            assert "saved" not in await ada.statuses()
        await ada.sees_status("saved", AGAIN)
        await server.kill()
        await server.start()
        await ada.page.reload()
        await ada.sees_status("saved", AGAIN)
        await ada.sees("stored waiting")


async def test_a_reconnecting_page_does_not_take_what_waits_for_its_commit_as_saved(
    tmp_path: Path, arrive: Arrive, name: str
) -> None:
    async with Server(tmp_path) as server:
        ada = await arrive(server)
        await ada.open(name)
        await ada.sees_status("saved")
        async with frozen(psutil.Process(server.postgres_pid)):
            await ada.write("in memory only")
            await ada.sees_status("delayed")
            await ada.forget_statuses()
            await ada.page.evaluate("window.sockets.at(-1).close()")
            reported = ada.page.locator("body[data-status=delayed], html[data-dialled='4'] body")
            await reported.wait_for(state="attached", timeout=AGAIN)
            assert "saved" not in await ada.statuses()
        await ada.sees_status("saved", AGAIN)


async def test_what_was_saved_when_the_server_was_killed_is_there_afterwards(
    tmp_path: Path, arrive: Arrive, name: str
) -> None:
    async with Server(tmp_path) as server:
        ada = await arrive(server)
        await ada.open(name)
        for number in range(3):
            await ada.write(f"line {number}\n")
            await ada.sees_status("saved")
            await server.kill()
            await ada.sees_status("offline")
            await server.start()
            grace = await arrive(server, name="Grace Hopper")
            await grace.open(name)
            await grace.sees(f"line {number}")
            await grace.leave()
            await ada.sees_status("saved", AGAIN)


async def test_a_reader_is_told_view_only(tmp_path: Path, arrive: Arrive, name: str) -> None:
    async with Server(tmp_path) as server:
        ada = await arrive(server)
        await ada.open(name)
        await ada.write("To be read")
        await ada.sees_status("saved")
    async with Server(tmp_path, guest_role="viewer") as server:
        grace = await arrive(server, name="Grace Hopper")
        await grace.open(name, until="viewonly")
        await expect(grace.page.locator("#status-label")).to_have_text("View only")
        await grace.sees("To be read")
        await grace.content.focus()
        await grace.page.keyboard.type("not allowed")
        await expect(grace.content).to_have_text("To be read")
        await expect(grace.page.get_by_label("Document title")).not_to_be_editable()
        assert "saved" not in await grace.statuses()
        await grace.page.goto(server.http + "/")
        await expect(grace.page.locator("body")).to_have_attribute("data-state", "ready", timeout=WITHIN)
        await expect(grace.page.get_by_role("button", name="New document")).to_have_count(0)


async def test_someone_without_access_is_told_why(tmp_path: Path, arrive: Arrive, name: str) -> None:
    async with Server(tmp_path, guest_role="none") as server:
        ada = await arrive(server)
        await ada.open(name, until="ended")
        await expect(ada.page.locator("#notice-title")).to_have_text(re.compile("Not signed in|No access|Not found"))
        await expect(ada.page.get_by_role("link", name="All documents").last).to_be_visible()
        await ada.page.goto(server.http + "/")
        await expect(ada.page.get_by_text("You are not signed in")).to_be_visible()
