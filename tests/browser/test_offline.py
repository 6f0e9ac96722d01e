"""Pages without a network: what starts, what is shown, what is sent later, and what is deleted."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvicorn
from playwright.async_api import expect
from starlette.applications import Starlette

from collab_server import app
from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, ready, sign_in, team
from tests.browser.reader import AGAIN, WITHIN, Reader
from tests.require import ROOT
from tests.server import Server, free_port
from tests.waiting import until

_KEPT = """async () => ({
  names: Object.keys(localStorage).filter((key) =>
    /^collab:(commands|kept|copy|unsent|generation|id|visit|account)/.test(key)),
  copies: (await indexedDB.databases()).map(({ name }) => name).filter((name) => /^collab:./.test(name)),
})"""


async def keeps_files(reader: Reader) -> None:
    """Waits until the service worker serves the page, which it does once it has all files."""
    await reader.page.evaluate(
        "navigator.serviceWorker.controller || new Promise((resolve) =>"
        " navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }))"
    )


async def refusals_to_install(reader: Reader) -> list[str]:
    """Why Chromium would not install the site as an application; a private window never does."""
    session = await reader.context.new_cdp_session(reader.page)
    found = await session.send("Page.getInstallabilityErrors")
    return [each["errorId"] for each in found["installabilityErrors"] if each["errorId"] != "in-incognito"]


async def cached_paths(reader: Reader) -> set[str]:
    """The addresses that the service worker has kept answers of, without those of built files."""
    paths: list[str] = await reader.page.evaluate(
        """async () => {
          const shells = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
          const requests = (await Promise.all(shells.map((each) => each.keys()))).flat();
          return requests.map(({ url }) => new URL(url).pathname);
        }"""
    )
    return {path for path in paths if not path.startswith("/static/")}


async def kept(reader: Reader) -> dict[str, list[str]]:
    """The names of what the browser keeps of accounts and documents."""
    found: dict[str, list[str]] = await reader.page.evaluate(_KEPT)
    return found


async def keeps_copies(reader: Reader, count: int) -> None:
    """Waits until the browser has so many copies of documents: the deletion of a database takes a moment."""

    async def are_there() -> bool:
        return len((await kept(reader))["copies"]) == count

    await until(are_there, f"{count} copies")


async def test_the_service_worker_and_the_manifest_are_served_as_browsers_need_them(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.http) as client:
        worker = await client.get("/sw.js")
        assert worker.headers["cache-control"] == "no-cache"
        assert worker.headers["content-type"].startswith("text/javascript")
        assert "default-src 'self'" in worker.headers["content-security-policy"]
        manifest = await client.get("/static/manifest.webmanifest")
        assert manifest.headers["content-type"] == "application/manifest+json"
        described: dict[str, Any] = manifest.json()
        assert (described["scope"], described["start_url"]) == ("/", "/")
        for icon in described["icons"]:
            picture = await client.get(icon["src"])
            assert picture.headers["content-type"] == icon["type"]
            if icon["sizes"] != "any":
                size = int.from_bytes(picture.content[16:20])
                assert icon["sizes"] == f"{size}x{size}"
        page = (await client.get("/d/any")).text
        for reference in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
            assert (await client.get(reference)).status_code == 200


async def test_a_document_opens_without_a_server_and_what_is_typed_is_sent_later(
    tmp_path: Path, arrive: Arrive
) -> None:
    async with Server(tmp_path) as server:
        (ada,) = await people(server, "ada")
        workspace = await team(server, ada)
        doc = await make(ada, workspace, "Engine notes", content="Written before. ")
        rich = await make(ada, workspace, "Rich notes", settings={"editor_mode": "wysiwyg"}, rich_text=True)
        await make(ada, workspace, "Never opened")
        reader = await enter(server, arrive, ada, keeps_pages=True)
        await ready(reader, f"/w/{workspace['slug']}")
        await reader.open(rich["id"])
        await reader.write("Rich words.")
        await reader.sees_status("saved")
        await reader.open(doc["id"])
        await reader.sees("Written before.")
        await keeps_files(reader)
        assert await refusals_to_install(reader) == []
        assert await cached_paths(reader) == {"/", "/d/", "/offline"}
        await server.terminate()
        await reader.page.reload()
        await reader.sees("Written before.")
        await expect(reader.page.get_by_label("Document title")).to_have_value("Engine notes")
        await reader.sees_status("offline")
        await reader.write("And offline.")
        await expect(reader.page.get_by_role("alert").first).to_contain_text("kept in this browser")
        await reader.page.reload()
        await reader.sees("And offline.")
        await ready(reader, f"/w/{workspace['slug']}")
        await expect(reader.page.locator("#offline")).to_be_visible()
        row = reader.page.locator("#list li")
        await expect(row).to_have_count(2)
        await expect(row.first).to_contain_text("Engine notes")
        await expect(row.first).to_contain_text("Not sent yet")
        await row.nth(1).get_by_role("link").click()
        await reader.sees("Rich words.")
        await reader.page.go_back()
        await reader.page.goto(reader.http + "/account")
        await expect(reader.page.get_by_role("heading", name="There is no connection")).to_be_visible()
        await reader.page.go_back()
        await row.filter(has_text="Engine notes").get_by_role("link").click()
        await reader.sees("And offline.")
        await server.start()
        await reader.sees_status("saved", AGAIN)
        text = await ada.get(f"/documents/{doc['id']}/content?format=markdown")
        assert text.text.strip() == "Written before. And offline."
        await ready(reader, f"/w/{workspace['slug']}")
        await expect(row).to_have_count(3)
        await expect(reader.page.locator("#offline")).to_be_hidden()
        await expect(reader.page.get_by_text("Not sent yet")).to_have_count(0)


async def test_signing_out_deletes_what_is_kept_and_others_see_nothing_of_it(server: Server, arrive: Arrive) -> None:
    ada, grace = await people(server, "ada", "grace")
    workspace = await team(server, ada, editor=grace)
    doc = await make(ada, workspace, "Private notes", content="Only of Ada. ")
    reader = await enter(server, arrive, ada)
    await ready(reader, f"/w/{workspace['slug']}")
    await reader.open(doc["id"])
    await reader.sees("Only of Ada.")
    await keeps_copies(reader, 1)
    assert any("kept" in name for name in (await kept(reader))["names"])
    # Somebody else signs in where Ada's session has only ended: her answers and her copy go.
    await reader.context.clear_cookies()
    await sign_in(reader, server, grace)
    await ready(reader, f"/w/{workspace['slug']}")
    await keeps_copies(reader, 0)
    names = (await kept(reader))["names"]
    assert [name for name in names if ada.id in name or doc["id"] in name] == []
    await reader.open(doc["id"])
    await keeps_copies(reader, 1)
    await ready(reader, f"/w/{workspace['slug']}")
    await reader.page.locator("#account").click()
    await reader.page.get_by_role("menuitem", name="Sign out").click()
    await reader.page.wait_for_url("**/signin")
    await keeps_copies(reader, 0)
    names = (await kept(reader))["names"]
    assert [name for name in names if grace.id in name or doc["id"] in name] == []


async def test_text_that_was_not_sent_stays_for_its_author_and_signing_out_asks_first(
    tmp_path: Path, arrive: Arrive
) -> None:
    async with Server(tmp_path) as server:
        ada, grace = await people(server, "ada", "grace")
        workspace = await team(server, ada, editor=grace)
        doc = await make(ada, workspace, "Shared notes", content="Of all. ")
        reader = await enter(server, arrive, ada, keeps_pages=True)
        await reader.open(doc["id"])
        await keeps_files(reader)
        await server.kill()
        await reader.sees_status("offline")
        await reader.write("Of Ada alone.")
        await expect(reader.page.get_by_role("alert").first).to_contain_text("kept in this browser")
        await reader.page.goto(reader.http + "/offline")
        await server.start()
        await reader.context.clear_cookies()
        await sign_in(reader, server, grace)
        await reader.open(doc["id"])
        await reader.sees("Of all.")
        await expect(reader.content).not_to_contain_text("Of Ada alone.")
        await keeps_copies(reader, 1)
        await reader.context.clear_cookies()
        await sign_in(reader, server, ada)
        await ready(reader, f"/w/{workspace['slug']}")
        await expect(reader.page.get_by_text("Not sent yet")).to_be_visible()
        await reader.page.locator("#account").click()
        await reader.page.get_by_role("menuitem", name="Sign out").click()
        dialog = reader.page.get_by_role("dialog")
        await expect(dialog).to_contain_text("1 document in this browser has text")
        await dialog.get_by_role("button", name="Cancel").click()
        await reader.open(doc["id"])
        await reader.sees("Of Ada alone.")
        assert not [name for name in (await kept(reader))["names"] if "unsent" in name]


async def test_a_document_that_was_withdrawn_is_forgotten(server: Server, arrive: Arrive) -> None:
    ada, grace = await people(server, "ada", "grace")
    workspace = await team(server, ada, editor=grace)
    doc = await make(ada, workspace, "Withdrawn", content="Once for two. ")
    reader = await enter(server, arrive, grace)
    await reader.open(doc["id"])
    await reader.sees("Once for two.")
    await keeps_copies(reader, 1)
    await reader.page.goto(reader.http + "/offline")
    answer = await ada.delete(f"/workspaces/{workspace['id']}/members/{grace.id}")
    assert answer.is_success, answer.text
    await reader.open(doc["id"], until="ended")
    await keeps_copies(reader, 0)
    assert not [name for name in (await kept(reader))["names"] if doc["id"] in name]


@asynccontextmanager
async def pages_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The address of a server that has nothing but the pages in `folder`, which may be exchanged while it runs."""
    monkeypatch.setattr(app, "STATIC", folder)
    config = uvicorn.Config(Starlette(routes=app._pages()), port=free_port(), log_level="error", lifespan="off")
    running = uvicorn.Server(config)
    running.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(running.serve())
    await until(lambda: running.started, "the server of the pages")
    yield f"http://127.0.0.1:{config.port}"
    running.should_exit = True
    await task


def build_anew(folder: Path, into: Path) -> None:
    """A build of the pages in which one text is another one."""
    folder.mkdir()
    shutil.copytree(ROOT / "static" / "src", folder / "src")
    for file in ("build.js", "pages.js", "package.json"):
        shutil.copy(ROOT / "static" / file, folder / file)
    (folder / "node_modules").symlink_to(ROOT / "static" / "node_modules")
    header = folder / "src" / "components" / "page-header.js"
    text = header.read_text()
    assert "Nothing here for you" in text
    header.write_text(text.replace("Nothing here for you", "Nothing here in the new build"))
    subprocess.run(["node", "build.js", str(into)], cwd=folder, check=True, stdout=subprocess.DEVNULL)


async def test_a_new_build_is_loaded_at_the_next_load_and_told_to_open_pages(
    tmp_path: Path, arrive: Arrive, monkeypatch: pytest.MonkeyPatch, node_packages: None
) -> None:
    new, served = tmp_path / "new", tmp_path / "served"
    await asyncio.to_thread(build_anew, tmp_path / "static", new)
    served.symlink_to(app.STATIC)
    async with pages_alone(served, monkeypatch) as address:
        ada = await arrive(SimpleNamespace(http=address), keeps_pages=True)
        old = ada.page
        await old.goto(address)
        await expect(old.get_by_role("alert")).to_contain_text("Nothing here for you")
        await keeps_files(ada)
        served.unlink()
        served.symlink_to(new)
        await ada.new_tab()
        await ada.page.goto(address)
        await expect(ada.page.get_by_role("alert")).to_contain_text("Nothing here in the new build")
        # The old page loads on from the files of its own build, and tells of the other one.
        await expect(old.locator("#update")).to_contain_text("A new version is available.", timeout=WITHIN)
        script = await old.locator("script[type=module]").get_attribute("src")
        assert await old.evaluate("async (address) => (await fetch(address)).ok", script)
        await expect(ada.page.locator("#update")).to_have_count(0)
    # Without the server, everything is of the new build.
    await ada.page.reload()
    await expect(ada.page.get_by_role("heading", name="This page could not be loaded")).to_be_visible()
    assert await ada.page.evaluate("caches.keys().then((all) => all.length)") == 2
    build = await ada.page.locator("meta[name=build]").get_attribute("content")
    assert f'content="{build}"' in (new / "pages" / "index.html").read_text()
    await old.get_by_role("button", name="Reload").click()
    await expect(old.get_by_role("heading", name="This page could not be loaded")).to_be_visible()
    await expect(old.locator(f'meta[name=build][content="{build}"]')).to_have_count(1)
