"""What was changed last is kept though the page is left at once."""

from playwright.async_api import Route

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, ready, team
from tests.browser.reader import Reader
from tests.people import Person
from tests.server import Server
from tests.waiting import until


async def _title_is(person: Person, document: str, title: str) -> None:
    async def stored() -> bool:
        found: str = (await person.get(f"/documents/{document}")).json()["title"]
        return found == title

    await until(stored, f"the title {title}")


async def _at_title(ada: Reader, document: dict[str, str]) -> None:
    await ada.open(document["address"])
    title = ada.page.get_by_role("textbox", name="Document title")
    await title.fill("Order gears")


async def test_a_title_is_kept_by_a_page_that_is_left_while_it_is_typed(server: Server, arrive: Arrive) -> None:
    (person,) = await people(server, "ada")
    document = await make(person, await team(server, person), "Gears")
    ada = await enter(server, arrive, person)
    await _at_title(ada, document)
    await ada.page.goto(f"{ada.http}/docs")
    await _title_is(person, document["id"], "Order gears")


async def test_a_title_is_kept_by_a_page_that_does_not_know_yet_who_reads_it(server: Server, arrive: Arrive) -> None:
    (person,) = await people(server, "ada")
    garden = await team(server, person)
    document = await make(person, garden, "Gears")
    ada = await enter(server, arrive, person)
    await ready(ada, f"/w/{garden['slug']}")

    async def never_answered(_route: Route) -> None:
        """The page is left before."""

    await ada.page.route("**/api/v1/auth/me", never_answered)
    await _at_title(ada, document)
    await ada.page.keyboard.press("Enter")
    await ada.page.goto(f"{ada.http}/docs")
    await _title_is(person, document["id"], "Order gears")
