"""Pictures of people and icons of workspaces: cut out in the page, and shown where the initials were."""

import io

import pytest
from PIL import Image
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, ready, team
from tests.browser.reader import WITHIN
from tests.browser.test_comments import add_comment, open_panel
from tests.browser.test_everyone import faults
from tests.browser.test_history import open_history, write_twice
from tests.browser.test_sharing import open_dialog
from tests.features.attachments.attaching import picture
from tests.server import Server

pytestmark = pytest.mark.usefixtures("node_packages")


async def choose(page: Page, group: Locator, octets: bytes) -> None:
    async with page.expect_file_chooser() as chooser:
        await group.get_by_role("button", name="Upload…").click()
    await (await chooser.value).set_files({"name": "me.png", "mimeType": "image/png", "buffer": octets})


async def halves(canvas: Locator) -> list[str]:
    """The colours of the left and the right half."""
    found: list[str] = await canvas.evaluate(
        """(canvas) => {
          const copy = new OffscreenCanvas(512, 512).getContext('2d', { willReadFrequently: true });
          copy.drawImage(canvas, 0, 0);
          return [100, 400].map((x) => {
            const [red, , blue] = copy.getImageData(x, 256, 1, 1).data;
            return red > blue ? 'red' : 'blue';
          });
        }"""
    )
    return found


async def touch(page: Page, begin: list[tuple[float, float]], end: list[tuple[float, float]]) -> None:
    """Fingers that move from here to there."""
    session = await page.context.new_cdp_session(page)
    for kind, places in (("touchStart", begin), ("touchMove", end), ("touchEnd", [])):
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        await session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    await session.detach()


async def test_a_picture_is_cut_out_and_shown_to_everybody(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "ben")
    space = await team(server, owner, editor=friend)
    doc = await make(owner, space, "Plan")
    ada = await enter(server, arrive, owner)
    await ready(ada, "/account")
    group = ada.page.get_by_role("group", name="Your picture")
    await expect(group.get_by_role("button", name="Remove")).to_be_hidden()
    await choose(ada.page, group, b"no picture")
    await expect(ada.page.get_by_text("This file is not a picture that can be shown.")).to_be_visible()
    # The left half is red, the right half is blue.
    await choose(ada.page, group, picture(900, 300))
    dialog = ada.page.get_by_role("dialog", name="Your picture")
    await expect(dialog).to_be_visible()
    assert await faults(ada.page) == []
    canvas = dialog.get_by_role("img")
    box = await canvas.bounding_box()
    assert box is not None
    left, right, middle = box["x"] + 20, box["x"] + box["width"] - 20, box["y"] + box["height"] / 2
    assert await halves(canvas) == ["red", "blue"]
    await ada.page.mouse.move(left, middle)
    await ada.page.mouse.down()
    await ada.page.mouse.move(right, middle, steps=3)
    await ada.page.mouse.up()
    assert await halves(canvas) == ["red", "red"]
    await ada.page.mouse.move(left, middle)
    assert await halves(canvas) == ["red", "red"], "the button is up"
    await touch(ada.page, [(right, middle)], [(left, middle)])
    await touch(ada.page, [(right, middle)], [(left, middle)])
    assert await halves(canvas) == ["blue", "blue"]
    zoom = dialog.get_by_label("Zoom")
    await touch(ada.page, [(left + 60, middle), (right - 60, middle)], [(left, middle), (right, middle)])
    await expect(zoom).not_to_have_value("1")
    await touch(ada.page, [(left, middle), (right, middle)], [(left + 90, middle), (right - 90, middle)])
    await expect(zoom).to_have_value("1")
    await ada.page.mouse.move(right, middle)
    await ada.page.mouse.wheel(0, -300)
    await expect(zoom).not_to_have_value("1")
    await zoom.fill("1")
    await canvas.focus()
    await ada.page.keyboard.press("+")
    await expect(zoom).to_have_value("1.1")
    for _ in range(30):
        await ada.page.keyboard.press("ArrowLeft")
    assert await halves(canvas) == ["red", "red"]
    for _ in range(30):
        await ada.page.keyboard.press("ArrowRight")
    await dialog.get_by_label("Zoom").fill("2")
    await dialog.get_by_role("button", name="Use this picture").click()
    await expect(dialog).to_have_count(0)
    await expect(ada.page.locator("#account img")).to_be_attached(timeout=WITHIN)
    address = (await owner.get("/users/me")).json()["avatar_url"]
    seen = Image.open(io.BytesIO((await owner.get("/users/me/avatar?size=512")).content)).convert("RGB")
    assert all(
        isinstance(colour, tuple) and colour[2] > 150 > colour[0]
        for colour in (seen.getpixel((9, 256)), seen.getpixel((500, 256)))
    )
    ben = await enter(server, arrive, friend)
    await ada.open(doc["address"])
    await ben.open(doc["address"])
    pictured = f'.avatar img[src^="{address}"]'
    avatar = ben.page.locator(f"#avatars {pictured}")
    await expect(avatar).to_be_attached(timeout=WITHIN)
    await expect(avatar).not_to_have_js_property("naturalWidth", 0)
    await write_twice(owner, doc["id"])
    await add_comment(owner, doc["id"], "Which ones?")
    dialog = await open_dialog(ben)
    await expect(dialog.locator(pictured)).to_have_count(1)
    await ben.page.keyboard.press("Escape")
    comments = await open_panel(ben)
    await expect(comments.locator(f".comment-head {pictured}")).to_have_count(1)
    history = await open_history(ben)
    await expect(history.locator(f".history-row.version {pictured}")).to_have_count(1)
    await expect(history.locator(f".history-row:not(.version) {pictured}")).not_to_have_count(0)
    slug = space["slug"]
    await ready(ben, f"/w/{slug}")
    await expect(ben.page.locator(f".here {pictured}")).to_have_count(1, timeout=WITHIN)
    await ready(ben, f"/w/{slug}/settings")
    await expect(ben.page.locator(f".line {pictured}")).to_be_attached(timeout=WITHIN)
    await owner.delete("/users/me/avatar")
    # The list of members hears of it.
    await expect(ben.page.locator(".line .avatar img")).to_have_count(0, timeout=WITHIN)


async def test_a_workspace_has_an_icon_in_the_header(server: Server, arrive: Arrive) -> None:
    owner, friend = await people(server, "ada", "ben")
    space = await team(server, owner, editor=friend)
    slug = space["slug"]
    ada, ben = await enter(server, arrive, owner), await enter(server, arrive, friend)
    await ready(ben, f"/w/{slug}/settings")
    await ready(ada, f"/w/{slug}/settings")
    group = ada.page.get_by_role("group", name="Icon of the workspace")
    await choose(ada.page, group, picture(64, 64))
    await ada.page.get_by_role("dialog").get_by_role("button", name="Use this picture").click()
    for reader in (ada, ben):
        await expect(reader.page.locator("#switcher .swatch img")).to_be_attached(timeout=WITHIN)
    await expect(ben.page.get_by_role("group", name="Icon of the workspace")).to_have_count(0)
    for reader in (ada, ben):
        await reader.page.locator("#switcher").click()
        item = reader.page.get_by_role("menuitemradio", name=space["name"])
        await expect(item.locator(".swatch img")).not_to_have_js_property("naturalWidth", 0)
        await reader.page.keyboard.press("Escape")
    await group.get_by_role("button", name="Remove").click()
    for reader in (ada, ben):
        await expect(reader.page.locator("#switcher .swatch img")).to_have_count(0)
    await expect(group.get_by_role("button", name="Upload…")).to_be_focused()
    # The form still saves: it knows the version that the icon has made.
    await ada.page.get_by_role("region", name="General").get_by_label("Name", exact=True).fill("Garden")
    await ada.page.get_by_role("region", name="General").get_by_role("button", name="Save").click()
    await expect(ada.page.get_by_role("region", name="General").get_by_role("status")).to_have_text("Saved")
