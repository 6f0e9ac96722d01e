"""Nothing in an attachment runs in Chromium, however a page embeds it and whatever its bytes say that it is."""

import io
import zipfile
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from PIL import Image
from playwright.async_api import BrowserContext, Page, Route

from tests.browser.chromium import Chromium
from tests.browser.members import make, people, team
from tests.server import Server

BAIT = "/health/live?ran="
"""What a script in a file asks for if it runs."""


def script(mark: str) -> str:
    return f"new Image().src='{{http}}{BAIT}{mark}'"


def files(http: str) -> dict[str, bytes]:
    """Hostile files by name. Each runs `script` where it is taken for what it wants to be."""

    def run(mark: str) -> bytes:
        return script(mark).replace("{http}", http).encode()

    svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload=\"" + run("svg").replace(b'"', b"'") + b'"></svg>'
    page = b"<!doctype html><title>x</title><script>" + run("html") + b"</script>"
    picture = io.BytesIO()
    Image.new("RGB", (4, 4)).save(picture, "JPEG", comment=b"<script>" + run("jpeg") + b"</script>")
    gif = b"GIF89a/*" + bytes(20) + b"*/=1;" + run("gif")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("index.html", page)
    return {
        "drawing.svg": svg,
        "photo.png": svg,
        "text.txt": b"\xef\xbb\xbf \n<!-- x -->" + svg,
        "page.html": page,
        "page.txt": page,
        "page.xhtml": b"<html xmlns='http://www.w3.org/1999/xhtml'><body onload=\"" + run("xhtml") + b'"/></html>',
        "code.js": run("js"),
        "sixteen.txt": "\ufeff".encode("utf-16-le") + page.decode().encode("utf-16-le"),
        "comment.jpg": picture.getvalue(),
        "gif.gif": gif,
        "style.css": b"@import '" + f"{http}{BAIT}css".encode() + b"';",
        "archive.html": archive.getvalue() + page,
    }


async def uploaded(server: Server, files: dict[str, bytes]) -> dict[str, str]:
    """Signed addresses by name."""
    (owner,) = await people(server, f"hostile-{uuid4().hex[:6]}")
    made = await make(owner, await team(server, owner), "Files")
    found = {}
    for name, octets in files.items():
        answer = await owner.post(
            f"/documents/{made['id']}/attachments",
            params={"file_name": name},
            content=octets,
            headers={"content-type": "text/html"},
        )
        assert answer.status_code == 201, answer.text
        found[name] = server.http + answer.json()["signed_url"]
    return found


EMBEDDED = "<img src='{0}'><iframe src='{0}'></iframe><object data='{0}'></object><embed src='{0}'>"


async def show(context: BrowserContext, url: str) -> None:
    """Open an address by itself, and embedded in a page without a policy in every way that runs scripts."""
    page = await context.new_page()
    await embed(page, url)
    response = await context.request.get(url)
    if "attachment" not in response.headers.get("content-disposition", ""):
        await page.goto(url)
        await page.wait_for_load_state("networkidle")
    await page.close()


async def embed(page: Page, url: str) -> None:
    tags = EMBEDDED.format(url) + f"<script src='{url}'></script><link rel=stylesheet href='{url}'>"
    await page.set_content(f"<!doctype html><body>{tags}</body>", wait_until="load")
    await page.wait_for_load_state("networkidle")


def serve(body: bytes, kind: str) -> Callable[[Route], Awaitable[None]]:
    """Answer with this body and type."""

    async def answer(route: Route) -> None:
        await route.fulfill(body=body, content_type=kind)

    return answer


@pytest.fixture
async def context(chromium: Chromium) -> BrowserContext:
    return await (await chromium.browser()).new_context(accept_downloads=False)


async def test_no_file_runs_in_the_browser(server: Server, context: BrowserContext) -> None:
    ran: list[str] = []
    context.on("request", lambda request: ran.append(request.url) if BAIT in request.url else None)
    hostile = files(server.http)
    for url in (await uploaded(server, hostile)).values():
        await show(context, url)
    assert ran == []

    for name, kind in (("drawing.svg", "image/svg+xml"), ("page.html", "text/html"), ("code.js", "text/javascript")):
        at = f"{server.http}/served/{name}"
        await context.route(at, serve(hostile[name], kind))
        ran.clear()
        page = await context.new_page()
        await embed(page, at)
        assert ran, f"{name} runs where a server believes it, so this test would see it"
        await page.close()
    await context.close()
