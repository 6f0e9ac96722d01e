"""Public pages in a browser that is not signed in."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.members import make, people, team
from tests.browser.reader import WITHIN
from tests.browser.test_everyone import PHONE, faults
from tests.features.public_pages.publishing import change, check_html, get_settings, set_page, write
from tests.people import Person
from tests.server import Server

_WORDS = "The garden that several people tend needs a plan that all of them can read and change together "
_SECTION = """## Section {number}

{words}

- [x] done with **strong** words
- [ ] open with `code` and [a link](https://example.org)

> quoted {number}

| Bed | Area |
|-----|-----:|
| {number} | 12 m² |

```python
def water(bed: Bed) -> float:  # litres
    return bed.area * 4.2 if bed.sun > {number} else None
```

### Formula {number}

$$
W_{{{number}}} = \\int_0^T \\frac{{A}}{{{number}}} \\, dt
$$

{words}
"""
_DIAGRAM = (
    "```mermaid\nflowchart LR\n  A[Seed] --> B[Plant]\n```\n\n![A picture elsewhere](https://images.example/x.png)\n"
)


def _write_plan(sections: int) -> str:
    numbers = range(28 - sections, 28)
    return f"# The plan\n\n{_DIAGRAM}" + "\n".join(_SECTION.format(number=each, words=_WORDS * 10) for each in numbers)


LONG, SHORT = _write_plan(27), _write_plan(3)


async def published(server: Server, text: str, **settings: object) -> tuple[Person, str, str]:
    """(the owner, the id of the document, the path of its page)"""
    (owner,) = await people(server, "ada")
    doc = await make(owner, await team(server, owner), "The plan", content=text)
    await change(owner, doc["id"], is_public=True)
    await set_page(owner, doc["id"], **settings)
    return owner, doc["id"], f"/p/{(await get_settings(owner, doc['id']))['slug']}"


@pytest.mark.usefixtures("node_packages")
async def test_axe_finds_nothing_serious_on_a_page_of_ten_thousand_words(server: Server, arrive: Arrive) -> None:
    assert len(LONG.split()) > 10_000
    for text, size, scheme in ((LONG, (1360, 900), "light"), (SHORT, PHONE, "dark")):
        _, _, path = await published(server, text)
        reader = await arrive(server, size=size, scheme=scheme)
        answer = await reader.page.goto(server.http + path)
        assert answer is not None and answer.status == 200
        check_html(await answer.text())
        await expect(reader.page.get_by_role("heading", name="The plan", level=1)).to_be_visible()
        contents = reader.page.get_by_role("navigation", name="Contents")
        if size == PHONE:
            await contents.locator("summary").click()
        await expect(contents.get_by_role("link", name="Section 27")).to_be_visible()
        assert await reader.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await faults(reader.page) == []
        diagram = reader.page.get_by_role("img", name="Diagram (flowchart)")
        await diagram.scroll_into_view_if_needed()
        await expect(diagram).not_to_have_js_property("naturalWidth", 0, timeout=WITHIN)
        assert await diagram.evaluate("(image) => image.naturalWidth") > 100
        theme = await diagram.evaluate("(image) => image.currentSrc.match(/(light|dark)\\.svg$/)[1]")
        assert theme == scheme
        await contents.get_by_role("link", name="Section 27").click()
        await expect(reader.page.get_by_role("heading", name="Section 27")).to_be_in_viewport()


async def test_a_live_page_follows_edits_and_keeps_the_readers_place(server: Server, arrive: Arrive) -> None:
    owner, document_id, path = await published(server, LONG, live=True)
    reader = await arrive(server)
    await reader.page.emulate_media(reduced_motion="reduce")  # or the page scrolls for a while
    await reader.page.goto(server.http + path)
    await expect(reader.page.locator("#page")).to_have_attribute("data-live", "yes", timeout=WITHIN)
    await reader.page.get_by_role("navigation", name="Contents").get_by_role("link", name="Section 20").click()
    heading = reader.page.get_by_role("heading", name="Section 20")
    await expect(heading).to_be_in_viewport()
    before = await heading.evaluate("(element) => element.getBoundingClientRect().top")
    await write(owner, document_id, LONG.replace("## Section 1\n", "A new beginning.\n\nMore of it.\n\n## Section 1\n"))
    await expect(reader.page.get_by_text("A new beginning.")).to_be_attached(timeout=WITHIN)
    after = await heading.evaluate("(element) => element.getBoundingClientRect().top")
    assert abs(after - before) < 2
    await change(owner, document_id, is_public=False)
    await expect(reader.page.get_by_role("status")).to_have_text("This page is no longer public.", timeout=WITHIN)
    assert [each for each in reader.refused if "/events" not in each] == [f"GET {server.http}{path}: 404"]


async def test_a_page_needs_no_scripts(server: Server, arrive: Arrive) -> None:
    _, _, path = await published(server, LONG, live=True)
    reader = await arrive(server)
    context = await reader.context.browser.new_context(java_script_enabled=False)  # type: ignore[union-attr]
    page = await context.new_page()
    await page.goto(server.http + path)
    await expect(page.get_by_role("heading", name="Section 27")).to_be_attached()
    await expect(page.locator("math").first).to_be_attached()
    await context.close()
