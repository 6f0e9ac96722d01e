"""Two people in one document, and one person coming back to it."""

from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.reader import WITHIN
from tests.peers import Peer
from tests.people import people
from tests.server import Server


async def test_two_people_see_each_others_text_names_and_cursors(server: Server, arrive: Arrive, name: str) -> None:
    ada = await arrive(server, name="Ada Lovelace")
    grace = await arrive(server, name="Grace Hopper", colour="#be3455")
    await ada.open(name)
    await grace.open(name)
    await ada.write("# From Ada\n")
    await grace.sees("From Ada")
    await grace.write("and from Grace")
    await ada.sees("and from Grace")
    for reader, other in ((ada, "Grace Hopper"), (grace, "Ada Lovelace")):
        await expect(reader.page.locator(".remote-name")).to_have_text(other, timeout=WITHIN)
        await expect(reader.page.locator("#people-count")).to_have_text("2 people are here")
        await reader.sees_status("saved")
    caret = ada.page.locator(".remote-caret")
    await expect(caret).to_have_css("background-color", "rgb(190, 52, 85)")
    await grace.leave()
    await expect(ada.page.locator("#people-count")).to_have_text("Only you are here", timeout=WITHIN)
    await expect(caret).to_have_count(0)


async def test_carriage_returns_of_another_client_do_not_shift_what_is_typed(
    server: Server, arrive: Arrive, name: str
) -> None:
    ada = await arrive(server)
    await ada.open(name)
    await ada.write("first\n")
    other = await Peer(server, "yws", name).sync()
    other.insert("one\r\ntwo\rthree\r\n", 0)
    await ada.sees("three")
    await ada.write("END")
    await other.until(lambda: other.content.endswith("END"), "the end")
    other.insert("BEGIN", 0)
    await ada.sees("BEGINone")
    await ada.sees_status("saved")
    assert other.content.replace("\r\n", "\n").replace("\r", "\n") == "BEGINone\ntwo\nthree\nfirst\nEND"
    await other.close()


async def test_pasted_text_has_line_feeds_only(server: Server, arrive: Arrive, name: str) -> None:
    ada = await arrive(server)
    await ada.open(name)
    await ada.content.focus()
    await ada.content.evaluate(
        """(content) => {
          const clipboardData = new DataTransfer();
          clipboardData.setData("text/plain", "one\\r\\ntwo\\rthree");
          content.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
        }"""
    )
    await ada.sees_status("saved")
    other = await Peer(server, "yws", name).sync()
    await other.until(lambda: other.content == "one\ntwo\nthree", "the pasted text")
    await other.close()


async def test_a_selection_of_another_person_is_shown(server: Server, arrive: Arrive, name: str) -> None:
    ada = await arrive(server, name="Ada Lovelace")
    grace = await arrive(server, name="Grace Hopper")
    await ada.open(name)
    await ada.write("select me")
    await grace.open(name)
    await grace.content.focus()
    await grace.page.keyboard.press("Control+a")
    await expect(ada.page.locator(".remote-selection")).to_have_count(1, timeout=WITHIN)


async def test_a_new_name_is_shown_to_the_others_and_remembered(server: Server, arrive: Arrive, name: str) -> None:
    ada = await arrive(server, name="Ada Lovelace")
    grace = await arrive(server, name="Grace Hopper")
    await ada.open(name)
    await grace.open(name)
    await grace.write("here")
    await grace.page.get_by_role("button", name="Show who, and set your name").click()
    await grace.page.get_by_role("textbox", name="Your name").fill("Rear Admiral Hopper")
    await grace.page.get_by_label("Plum").check()
    await expect(ada.page.locator(".remote-name")).to_have_text("Rear Admiral Hopper", timeout=WITHIN)
    await expect(ada.page.locator("#people-list")).to_contain_text("Rear Admiral Hopper")
    await grace.page.reload()
    await grace.sees_status("saved")
    await expect(grace.page.locator("#people-list")).to_contain_text("Rear Admiral Hopper")


async def test_a_new_title_is_shown_to_the_others(server: Server, arrive: Arrive, name: str) -> None:
    ada = await arrive(server)
    grace = await arrive(server, name="Grace Hopper")
    await ada.open(name)
    await grace.open(name)
    title = ada.page.get_by_label("Document title")
    await title.fill("Minutes of today")
    await title.press("Enter")
    await expect(grace.page.get_by_label("Document title")).to_have_value("Minutes of today", timeout=WITHIN)
    await expect(grace.page).to_have_title("Minutes of today · collab_server")
    await expect(ada.content).to_be_focused()


async def test_a_reload_finds_the_text_again(server: Server, arrive: Arrive, name: str) -> None:
    ada = await arrive(server)
    await ada.open(name)
    await ada.write("It is still here.")
    await ada.sees_status("saved")
    await ada.page.reload()
    await ada.sees_status("saved")
    await ada.sees("It is still here.")
    await expect(ada.page.locator("#words")).to_have_text("4 words")
    stranger = await arrive(server, name="Somebody Else")
    await stranger.open(name)
    await stranger.sees("It is still here.")


async def test_undo_takes_back_ones_own_words_only(server: Server, arrive: Arrive, name: str) -> None:
    ada = await arrive(server)
    grace = await arrive(server, name="Grace Hopper")
    await ada.open(name)
    await grace.open(name)
    await ada.write("first")
    await grace.sees("first")
    await grace.write(" second")
    await ada.sees("first second")
    await ada.page.keyboard.press("Control+z")
    await expect(grace.content).to_have_text("second", timeout=WITHIN)


async def test_the_link_of_the_document_can_be_copied(server: Server, arrive: Arrive, name: str) -> None:
    ada = await arrive(server)
    await ada.open(name)
    await ada.page.get_by_role("button", name="Copy link").click()
    await expect(ada.page.locator("#copy-link-label")).to_have_text("Link copied")
    assert await ada.page.evaluate("navigator.clipboard.readText()") == f"{server.http}/d/{name}"


async def test_names_with_slashes_spaces_and_other_scripts_lead_to_one_document(
    server: Server, arrive: Arrive, name: str
) -> None:
    address = f"{name}/Ünï çødé/日本"
    ada = await arrive(server)
    grace = await arrive(server, name="Grace Hopper")
    await ada.open(address)
    await ada.write("met")
    await grace.open(address)
    await grace.sees("met")


async def test_a_program_that_edits_is_seen_with_its_name_at_its_place(
    server: Server, arrive: Arrive, name: str
) -> None:
    ada = await arrive(server, name="Ada Lovelace")
    await ada.open(name)
    await ada.write("# Plan\n\n## Today\n\n- one\n\n## Later\n\n- two")
    await ada.sees_status("saved")
    [grace] = await people(server, "grace")
    document = await server.document(name)
    body = {"content": "- from a program", "heading": "Today", "between": "line"}
    answer = await grace.post(f"/documents/{document['id']}/content/insert", json=body)
    assert answer.status_code == 200, answer.text
    await expect(ada.page.locator(".remote-name")).to_have_text("grace (API token test)", timeout=WITHIN)
    caret = await ada.page.locator(".remote-caret").bounding_box()
    line = await ada.page.locator(".cm-line", has_text="from a program").bounding_box()
    assert caret is not None and line is not None
    assert line["y"] - 1 <= caret["y"] and caret["y"] + caret["height"] <= line["y"] + line["height"] + 1
    await expect(ada.page.locator("#people-count")).to_have_text("Only you are here, and 1 program")
    await expect(ada.page.locator(".remote-caret")).to_have_count(0, timeout=WITHIN)
    await expect(ada.page.locator("#people-count")).to_have_text("Only you are here")
