"""What tests do with suggestions."""

from typing import Any

import httpx

from tests.core.fragments import Fragment
from tests.features.api_harness import ApiHarness
from tests.people import Person

Answer = dict[str, Any]


async def suggest(who: Person, document: Answer, *edits: Answer, etag: str = "", **more: Any) -> httpx.Response:
    body = {"edits": edits, **more} if edits else more
    headers = {"if-match": etag} if etag else {}
    return await who.post(f"/documents/{document['id']}/suggestions", json=body, headers=headers)


async def suggested(who: Person, document: Answer, find: str, replace: str, **more: Any) -> Answer:
    answer = await suggest(who, document, {"find": find, "replace": replace}, **more)
    assert answer.status_code == 201, answer.text
    made: Answer = answer.json()
    return made


async def decide(who: Person, suggestion: Answer, how: str, hunks: list[int] | None = None) -> httpx.Response:
    body = None if hunks is None else {"hunks": hunks}
    return await who.post(f"/suggestions/{suggestion['id']}/{how}", json=body)


async def accepted(who: Person, suggestion: Answer, hunks: list[int] | None = None) -> Answer:
    answer = await decide(who, suggestion, "accept", hunks)
    assert answer.status_code == 200, answer.text
    done: Answer = answer.json()
    return done


async def read(who: Person, suggestion: Answer) -> Answer:
    answer = await who.get(f"/suggestions/{suggestion['id']}")
    assert answer.status_code == 200, answer.text
    found: Answer = answer.json()
    return found


async def listed(who: Person, document: Answer, state: str = "open") -> list[Answer]:
    items: list[Answer] = []
    params: dict[str, Any] = {"state": state, "limit": 2}
    while True:
        answer = await who.get(f"/documents/{document['id']}/suggestions", params=params)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return items
        params["cursor"] = answer.json()["next_cursor"]


async def content(who: Person, document: Answer) -> str:
    answer = await who.get(f"/documents/{document['id']}/content", headers={"accept": "text/markdown"})
    assert answer.status_code == 200, answer.text
    return answer.text


async def patch(who: Person, document: Answer, find: str, replace: str) -> None:
    body = {"edits": [{"find": find, "replace": replace}]}
    answer = await who.patch(f"/documents/{document['id']}/content", json=body)
    assert answer.status_code == 200, answer.text


async def with_nodes(api: ApiHarness, fragment: Fragment) -> Answer:
    made = await api.make()
    answer = await api.editor.post(
        f"/documents/{made['id']}/updates",
        content=fragment.update,
        headers={"content-type": "application/octet-stream"},
    )
    assert answer.status_code == 200, answer.text
    return made


async def etag_of(api: ApiHarness, document: Answer) -> str:
    return (await api.viewer.get(f"/documents/{document['id']}/content")).headers["etag"]
