"""Publishing for tests of public pages."""

from typing import Any
from uuid import uuid4

import html5lib
import httpx

from tests.features.api_harness import ApiHarness
from tests.people import Person


def unique(title: str) -> str:
    """A title that no other test has."""
    return f"{title} {uuid4().hex[:8]}"


async def publish(
    site: ApiHarness, title: str = "Plan", who: Person | None = None, workspace: str | None = None, **fields: object
) -> dict[str, Any]:
    """Make a public document and return it with its page as `page`."""
    person = who or site.editor
    made = await site.make(person, workspace, title=unique(title), **fields)
    return await open_page(person, made)


async def open_page(who: Person, made: dict[str, Any]) -> dict[str, Any]:
    """Make a document public and return it with its page as `page`."""
    await change(who, made["id"], is_public=True)
    return {**made, "page": await get_settings(who, made["id"])}


async def get_settings(who: Person, document_id: str) -> dict[str, Any]:
    answer = await who.get(f"/documents/{document_id}/public-page")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def set_page(who: Person, document_id: str, **fields: object) -> dict[str, Any]:
    answer = await who.put(f"/documents/{document_id}/public-page", json=fields)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def change(who: Person, document_id: str, **fields: object) -> None:
    answer = await who.patch(f"/documents/{document_id}", json=fields)
    assert answer.status_code == 200, answer.text


async def write(who: Person, document_id: str, text: str) -> None:
    headers = {"content-type": "text/markdown"}
    answer = await who.put(f"/documents/{document_id}/content", content=text.encode(), headers=headers)
    assert answer.status_code == 200, answer.text


async def read(anybody: httpx.AsyncClient, made: dict[str, Any]) -> httpx.Response:
    return await anybody.get(f"/p/{made['page']['slug']}")


def check_html(page: str) -> None:
    """Fails for HTML that the standard's parser finds an error in."""
    html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
