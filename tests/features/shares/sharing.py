"""Shares that tests make, and clients that come by them."""

from collections.abc import Mapping
from typing import Any

import httpx

from tests.features.api_harness import ApiHarness
from tests.people import Person, nobody


async def share(api: ApiHarness, document: str, who: Person | None = None, **fields: object) -> dict[str, Any]:
    """Share a document as the team's editor, or somebody else. Return the new share."""
    body = {"kind": "link", "permission": "read", **fields}
    answer = await (who or api.editor).post(f"/documents/{document}/shares", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def with_header(api: ApiHarness, headers: Mapping[str, str], who: Person | None = None) -> Person:
    """A client with these headers besides the token of `who`."""
    client = nobody(api.server)
    if who is not None:
        client.headers["authorization"] = f"Bearer {who.token}"
    client.headers.update(headers)
    return client


def visitor(api: ApiHarness, token: str) -> Person:
    """A guest who has a link."""
    return with_header(api, {"x-share-token": token})


async def open_link(api: ApiHarness, token: str, **fields: object) -> httpx.Response:
    return await nobody(api.server).post("/shares/open", json={"token": token, **fields})
