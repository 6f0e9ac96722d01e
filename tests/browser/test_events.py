"""The editor where no WebSocket gets through."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, team
from tests.browser.reader import WITHIN
from tests.server import Server

ABSENT = "delete window.WebSocket"
BLOCKED = """
  window.WebSocket = class extends EventTarget {
    constructor() {
      super();
      setTimeout(() => {
        this.onclose?.(new CloseEvent('close', { code: 1006 }));
        this.dispatchEvent(new CloseEvent('close', { code: 1006 }));
      });
    }
    send() {}
    close() {}
  };
"""


@pytest.mark.parametrize("obstacle", [ABSENT, BLOCKED], ids=["absent", "blocked"])
async def test_two_people_write_together_one_of_them_without_websockets(
    server: Server, arrive: Arrive, name: str, obstacle: str
) -> None:
    ada = await arrive(server, name="Ada Lovelace")
    await ada.context.add_init_script(obstacle)
    grace = await arrive(server, name="Grace Hopper", colour="#be3455")
    await ada.open(name)
    await ada.write("From Ada over HTTP. ")
    await ada.sees_status("saved")
    await grace.open(name)
    await grace.sees("From Ada over HTTP.")
    await grace.write("From Grace.")
    await ada.sees("From Grace.")
    await ada.write(" And back.")
    await grace.sees("And back.")
    for reader, other in ((ada, "Grace Hopper"), (grace, "Ada Lovelace")):
        await reader.sees_status("saved")
        await expect(reader.page.locator(".remote-name")).to_have_text(other, timeout=WITHIN)
        await expect(reader.page.locator("#people-count")).to_have_text("2 people are here")
    assert await ada.page.evaluate("performance.getEntriesByType('resource').some(({ name }) => /events/.test(name))")
    await ada.leave()
    await expect(grace.page.locator("#people-count")).to_have_text("Only you are here", timeout=WITHIN)


async def test_a_person_with_an_account_saves_over_http_until_access_ends(server: Server, arrive: Arrive) -> None:
    owner, guest = await people(server, "ann", "ben")
    garden = await team(server, owner, editor=guest)
    made = await make(owner, garden, "Plan")
    ben = await enter(server, arrive, guest)
    await ben.context.add_init_script(ABSENT)
    await ben.open(made["id"])
    await ben.write("saved with a cookie")
    await ben.sees_status("saved")
    answer = await owner.delete(f"/workspaces/{garden['id']}/members/{guest.id}")
    assert answer.status_code == 204, answer.text
    await ben.sees_status("ended")
