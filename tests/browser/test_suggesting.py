"""People who type suggestions at the web page, while others go on with the document."""

from typing import Any

from playwright.async_api import APIResponse, Route, expect

from tests.browser.conftest import Arrive
from tests.browser.members import enter, make, people, team
from tests.browser.reader import WITHIN, Reader
from tests.browser.test_comments import TEXT, WIDE, add_comment, marked, select
from tests.browser.test_replaced import compact, is_renewed, overwrite
from tests.people import Person
from tests.server import Server


async def begin(server: Server, arrive: Arrive, content: str = TEXT) -> tuple[Person, dict[str, Any], Reader]:
    """(the owner of a document, the document, somebody who may comment and has begun to suggest)"""
    owner, friend = await people(server, "ada", "ben")
    doc = await make(owner, await team(server, owner, commenter=friend), "Plan", content=content)
    ben = await enter(server, arrive, friend, size=WIDE)
    await ben.open(doc["address"], until="viewonly")
    await ben.page.get_by_role("button", name="Suggest", exact=True).click(timeout=WITHIN)
    await says(ben, "What you type is proposed.")
    return owner, doc, ben


async def says(reader: Reader, text: str) -> None:
    await expect(reader.page.locator(".suggesting")).to_contain_text(text, timeout=WITHIN)


async def is_sent(reader: Reader) -> None:
    await says(reader, "Your suggestion is saved.")


def sent_again(reader: Reader) -> Any:
    """A context that is left when a change of the suggestion has been answered."""
    return reader.page.expect_response(
        lambda answer: answer.request.method == "PATCH" and "/suggestions/" in answer.url and answer.ok
    )


async def suggest_yellow(ben: Reader) -> None:
    await select(ben, "Buy green apples", 4, 5)
    await ben.page.keyboard.type("yellow")
    await is_sent(ben)


async def list_open(owner: Person, doc: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await owner.get(f"/documents/{doc['id']}/suggestions")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def accept(owner: Person, doc: dict[str, Any]) -> str:
    """The text after the only open suggestion has been accepted."""
    (one,) = await list_open(owner, doc)
    answer = await owner.post(f"/suggestions/{one['id']}/accept")
    assert answer.status_code == 200, answer.text
    return (await owner.get(f"/documents/{doc['id']}/content")).text


async def append(owner: Person, doc: dict[str, Any], text: str) -> None:
    answer = await owner.post(f"/documents/{doc['id']}/content/append", json={"content": text, "between": "none"})
    assert answer.status_code == 200, answer.text


async def go_offline(reader: Reader) -> None:
    await reader.context.set_offline(True)
    await reader.page.evaluate("window.sockets.forEach((socket) => socket.close())")
    await reader.sees_status("offline")


async def test_a_typed_suggestion_is_shown_to_others_and_accepted_while_they_type(
    server: Server, arrive: Arrive
) -> None:
    owner, friend = await people(server, "ada", "ben")
    doc = await make(owner, await team(server, owner, commenter=friend), "Plan", content=TEXT)
    ada, ben = await enter(server, arrive, owner, size=WIDE), await enter(server, arrive, friend, size=WIDE)
    await ada.open(doc["address"])
    await ben.open(doc["address"], until="viewonly")
    await ben.page.get_by_role("button", name="Suggest", exact=True).click(timeout=WITHIN)
    await suggest_yellow(ben)
    await expect(ben.page.locator(".cm-content ins, .cm-content .suggested")).to_have_text("yellow")
    await expect(ben.page.locator(".cm-content del")).to_have_text("green")
    await expect(ada.page.locator(".cm-content ins.suggested")).to_have_text("yellow", timeout=WITHIN)
    await expect(ada.page.locator(".cm-content .suggested-away")).to_have_text("green")
    await ada.write("More.")
    await ben.sees("More.")
    await ben.page.get_by_role("button", name="Done").click()
    await expect(ben.page.locator(".suggesting")).to_be_hidden()
    await ada.page.locator(".thread.suggestion").get_by_role("button", name="Accept").click()
    for reader in (ada, ben):
        await reader.sees("Buy yellow apples and red pears.")
        await expect(reader.page.locator(".cm-content .suggested, .cm-content .suggested-away")).to_have_count(0)
    await expect(ada.page.locator(".thread.suggestion")).to_have_count(0)
    text = (await owner.get(f"/documents/{doc['id']}/content")).text
    assert text == TEXT.replace("green", "yellow") + "More."


async def test_what_was_accepted_is_there_once_for_somebody_who_goes_on(server: Server, arrive: Arrive) -> None:
    owner, doc, ben = await begin(server, arrive)
    await suggest_yellow(ben)
    await accept(owner, doc)
    await expect(ben.page.locator(".cm-content .suggested, .cm-content del")).to_have_count(0, timeout=WITHIN)
    await ben.sees("Buy yellow apples")
    await select(ben, "Buy yellow apples", 10, 0)
    await ben.page.keyboard.type("ish")
    await is_sent(ben)
    await expect(ben.page.locator(".cm-content .suggested")).to_have_text("ish")
    assert await accept(owner, doc) == TEXT.replace("green", "yellowish")


async def test_what_was_rejected_leaves_and_what_was_typed_since_stays(server: Server, arrive: Arrive) -> None:
    owner, doc, ben = await begin(server, arrive)
    await suggest_yellow(ben)
    (first,) = await list_open(owner, doc)
    await go_offline(ben)
    await ben.write("And rolls.")
    assert (await owner.post(f"/suggestions/{first['id']}/reject")).status_code == 200
    await ben.context.set_offline(False)
    await expect(ben.page.locator(".cm-content .suggested")).to_have_text(["And rolls."], timeout=WITHIN)
    await is_sent(ben)
    assert await accept(owner, doc) == TEXT + "And rolls."


async def test_a_suggestion_arrives_although_others_type_at_that_moment(server: Server, arrive: Arrive) -> None:
    owner, doc, ben = await begin(server, arrive)
    methods = []

    async def type_first(route: Route) -> None:
        if route.request.method != "GET":
            methods.append(route.request.method)
            await append(owner, doc, f"Line {len(methods)}. ")
        await route.continue_()

    await ben.page.route("**/api/v1/documents/*/suggestions", type_first)
    await ben.page.route("**/api/v1/suggestions/*", type_first)
    await suggest_yellow(ben)
    async with sent_again(ben):
        await ben.page.keyboard.type("ish")
    await is_sent(ben)
    assert {"POST", "PATCH"} == set(methods)
    text = await accept(owner, doc)
    assert text.startswith(TEXT.replace("green", "yellowish").rstrip("\n"))
    assert all(f"Line {number}. " in text for number in range(1, len(methods) + 1))


async def test_what_is_typed_offline_is_sent_later_and_missed_events_are_made_up_for(
    server: Server, arrive: Arrive
) -> None:
    owner, doc, ben = await begin(server, arrive)
    await go_offline(ben)
    await select(ben, "Buy green apples", 4, 5)
    await ben.page.keyboard.type("yellow")
    await says(ben, "There is no connection.")
    await add_comment(owner, doc["id"], "Which baker?", anchor={"quote": "the baker"})
    await ben.page.get_by_role("button", name="Done").click()
    await ben.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await ben.context.set_offline(False)
    await is_sent(ben)
    await expect(marked(ben)).to_have_text("the baker", timeout=WITHIN)
    assert await accept(owner, doc) == TEXT.replace("green", "yellow")


async def test_an_answer_that_was_lost_makes_no_second_suggestion(server: Server, arrive: Arrive) -> None:
    owner, doc, ben = await begin(server, arrive)
    lost: list[APIResponse] = []

    async def lose(route: Route) -> None:
        if lost or route.request.method != "POST":
            await route.continue_()
            return
        lost.append(await route.fetch())
        await route.abort()

    await ben.page.route("**/api/v1/documents/*/suggestions", lose)
    await select(ben, "Buy green apples", 4, 5)
    await ben.page.keyboard.type("yellow")
    await expect(ben.page.locator(".suggesting")).to_have_attribute("data-problem", "", timeout=WITHIN)
    await ben.page.keyboard.type("ish")
    await is_sent(ben)
    assert await accept(owner, doc) == TEXT.replace("green", "yellowish")


async def test_an_empty_document_takes_a_suggestion(server: Server, arrive: Arrive) -> None:
    owner, doc, ben = await begin(server, arrive, content="")
    await ben.write("The first words.")
    await is_sent(ben)
    assert await accept(owner, doc) == "The first words."
    await ben.sees("The first words.")
    await expect(ben.page.locator(".cm-content .suggested")).to_have_count(0, timeout=WITHIN)


async def test_a_suggestion_goes_on_in_the_copy_of_a_replaced_document(server: Server, arrive: Arrive) -> None:
    owner, doc, ben = await begin(server, arrive)
    await overwrite(owner, doc["id"])
    await ben.sees("Plan:")
    before = (await owner.get(f"/documents/{doc['id']}/content")).text
    await suggest_yellow(ben)
    await compact(owner, doc["id"])
    await is_renewed(ben, doc["id"])
    await ben.sees_status("viewonly")
    await expect(ben.page.locator(".cm-content del")).to_have_text("green", timeout=WITHIN)
    await select(ben, "Ask the baker", 0, 0)
    async with sent_again(ben):
        await ben.page.keyboard.type("Please. ")
    await is_sent(ben)
    assert await accept(owner, doc) == before.replace("green", "yellow").replace("Ask", "Please. Ask")


async def test_text_that_lost_its_place_is_given_back(server: Server, arrive: Arrive) -> None:
    owner, doc, ben = await begin(server, arrive)
    await suggest_yellow(ben)
    (first,) = await list_open(owner, doc)
    await go_offline(ben)
    await ben.page.keyboard.type(" and crunchy")
    assert (await owner.post(f"/suggestions/{first['id']}/reject")).status_code == 200
    answer = await owner.put(f"/documents/{doc['id']}/content", json={"content": "Nothing to buy."})
    assert answer.status_code == 200, answer.text
    await ben.context.set_offline(False)
    dialog = ben.page.get_by_role("dialog", name="The text has changed around your suggestion")
    await expect(dialog.get_by_label("What you typed")).to_have_value(" and crunchy", timeout=WITHIN)
    await dialog.get_by_role("button", name="Copy").click()
    await expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
    await dialog.get_by_role("button", name="Close").click()
    await says(ben, "What you type is proposed.")
    await ben.sees("Nothing to buy.")
    await ben.page.get_by_role("button", name="Done").click()
    await expect(ben.page.locator(".suggesting")).to_be_hidden()
    assert await list_open(owner, doc) == []


async def test_unsent_changes_are_left_out_only_when_asked(server: Server, arrive: Arrive) -> None:
    owner, doc, ben = await begin(server, arrive)
    await suggest_yellow(ben)
    await go_offline(ben)
    await ben.page.keyboard.type(" and crunchy")
    await ben.page.get_by_role("button", name="Done").click()
    await ben.page.get_by_role("button", name="Leave out").click()
    await expect(ben.page.locator(".suggesting")).to_be_hidden()
    await expect(ben.content).not_to_contain_text("crunchy")
    assert await accept(owner, doc) == TEXT.replace("green", "yellow")
