"""The list of documents."""

from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.reader import WITHIN
from tests.server import Server


async def test_a_document_made_from_the_list_is_named_written_and_listed(
    server: Server, arrive: Arrive, name: str
) -> None:
    ada = await arrive(server)
    await ada.list_documents()
    await ada.page.get_by_role("button", name="New document").first.click()
    await ada.sees_status("saved")
    title = ada.page.get_by_label("Document title")
    await expect(title).to_be_focused()
    await ada.page.keyboard.type(f"Plan {name}")
    await ada.page.keyboard.press("Enter")
    await expect(ada.content).to_be_focused()
    await ada.page.keyboard.type("Three plain words")
    await ada.sees_status("saved")
    grace = await arrive(server, name="Grace Hopper")
    row = await grace.finds_in_list(f"Plan {name}", "Three plain words")
    await expect(row).to_contain_text("1 here now")
    await expect(row.locator("time")).to_have_text("just now")
    await row.click()
    await grace.sees_status("saved")
    await grace.sees("Three plain words")


async def test_a_document_opened_by_name_is_created_and_listed(server: Server, arrive: Arrive, name: str) -> None:
    ada = await arrive(server)
    await ada.list_documents()
    box = ada.page.get_by_label("Filter documents, or open one by name")
    await box.fill(name)
    await expect(ada.page.locator("#open")).to_have_text(f"Open or create {name}")
    await box.press("Enter")
    await ada.sees_status("saved")
    assert ada.page.url == f"{server.http}/d/{name}"
    await ada.list_documents()
    await ada.page.keyboard.press("/")
    await ada.page.keyboard.type(name)
    await expect(ada.page.locator("#list li")).to_have_count(1)
    await ada.page.keyboard.press("Enter")
    await ada.sees_status("saved")
    assert ada.page.url == f"{server.http}/d/{name}"


async def test_more_documents_are_loaded_on_request(server: Server, arrive: Arrive) -> None:
    ada = await arrive(server)
    await ada.list_documents()
    created = await ada.page.evaluate(
        """async () => {
          const { default_workspace: { id } } = await (await fetch('/api/v1/auth/me')).json();
          const make = (number) => fetch(`/api/v1/workspaces/${id}/documents`, {
            method: 'POST', headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({ title: `Numbered ${number}`, type: 'markdown' }),
          });
          const answers = await Promise.all(Array.from({ length: 35 }, (_, number) => make(number)));
          return answers.filter(({ status }) => status === 201).length;
        }"""
    )
    assert created == 35
    await ada.list_documents()
    await expect(ada.page.locator("#list li")).to_have_count(30)
    more = ada.page.get_by_role("button", name="Load more")
    await more.click()
    rows = ada.page.locator("#list li", has_text="Numbered")
    await expect(rows).to_have_count(35, timeout=WITHIN)
    identifiers = await ada.page.locator("#list li").evaluate_all("rows => rows.map((row) => row.dataset.id)")
    assert len(identifiers) == len(set(identifiers))


async def test_who_comes_and_goes_shows_in_the_list_without_a_reload(server: Server, arrive: Arrive, name: str) -> None:
    ada = await arrive(server)
    await ada.open(name)
    await ada.list_documents()
    row = ada.page.locator("#list li", has_text=name)
    grace = await arrive(server, name="Grace Hopper")
    await grace.open(name)
    asked: list[str] = []
    ada.page.on("request", lambda request: asked.append(request.url))
    await expect(row.locator(".here")).to_have_text("1 here now", timeout=WITHIN)
    await expect(row.locator(".here")).to_have_attribute("title", "Grace Hopper (guest)", timeout=WITHIN)
    await expect(row.locator(".here .avatar")).to_have_attribute("data-initials", "GH")
    assert not [url for url in asked if "/presence" in url and "/workspaces/" not in url]
    await grace.leave()
    await expect(row.locator(".here")).to_have_count(0, timeout=WITHIN)
