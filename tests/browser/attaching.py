"""Files for tests of attachments at the web page, and ways to hand them over."""

import base64
import io
import re
from typing import Any

from PIL import Image
from playwright.async_api import Locator, Route, expect

from tests.browser.reader import WITHIN, Reader
from tests.people import Person
from tests.waiting import until

TEXT = "# Plan\n\nBuy green apples.\n\nAsk the baker.\n"
CONTENT = r"/api/v1/attachments/[0-9a-f-]{36}/content"
NEW_FILE = re.compile(r"/documents/[^/]+/attachments\?")

_GIVE = """(element, [kind, files, text, point, html]) => {
  const data = new DataTransfer();
  for (const [name, type, content] of files) {
    const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
    data.items.add(new File([bytes], name, { type }));
  }
  if (text) data.setData('text/plain', text);
  if (html) data.setData('text/html', html);
  const how = { bubbles: true, cancelable: true };
  if (kind === 'paste') element.dispatchEvent(new ClipboardEvent('paste', { ...how, clipboardData: data }));
  else {
    const { left, top } = element.getBoundingClientRect();
    const [clientX, clientY] = point ?? [left + 5, top + 5];
    for (const name of kind === 'drag' ? ['dragover'] : ['dragover', 'drop'])
      element.dispatchEvent(new DragEvent(name, { ...how, clientX, clientY, dataTransfer: data }));
  }
}"""


def picture(colour: str = "teal", size: tuple[int, int] = (400, 300)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


async def give(
    target: Locator,
    kind: str,
    *files: tuple[str, str, bytes],
    text: str = "",
    point: tuple[float, float] | None = None,
    html: str = "",
) -> None:
    """Drags, drops or pastes files, each a name, a type and its bytes, on an element."""
    encoded = [[name, media, base64.b64encode(octets).decode()] for name, media, octets in files]
    await target.evaluate(_GIVE, [kind, encoded, text, point, html])


async def attach(person: Person, doc: str, name: str, octets: bytes = b"words") -> dict[str, Any]:
    answer = await person.post(f"/documents/{doc}/attachments", params={"file_name": name}, content=octets)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def caret_behind(reader: Reader, line: str) -> None:
    await reader.content.get_by_text(line).click()
    await reader.page.keyboard.press("End")


async def open_panel(reader: Reader) -> Locator:
    await reader.page.locator("#files").click(timeout=WITHIN)
    shown = reader.page.get_by_role("dialog", name="Files")
    await expect(shown).to_be_visible(timeout=WITHIN)
    return shown


def rows(panel: Locator) -> Locator:
    return panel.get_by_role("list", name="Files of this document").get_by_role("listitem")


class Gate:
    """Holds uploads until it is opened."""

    def __init__(self) -> None:
        self.held: list[Route] = []

    async def hold(self, route: Route) -> None:
        if route.request.method == "POST":
            self.held.append(route)
        else:
            await route.continue_()

    async def wait_held(self, count: int = 1) -> None:
        await until(lambda: len(self.held) >= count, f"{count} uploads")

    async def open(self) -> None:
        for route in self.held:
            await route.continue_()
