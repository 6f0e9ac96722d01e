"""A device as the two routes see it: Docs, and requests built by hand."""

import base64
import json
from typing import Any

from pycrdt import Doc, Text

from tests.people import Person


def typed(text: str, doc: Doc[Any] | None = None) -> bytes:
    """The update of typing `text` at the front of a new document, or of this one."""
    doc = doc if doc is not None else Doc()
    before = doc.get_state()
    doc.get("content", type=Text).insert(0, text)
    return doc.get_update(before)


def text_of(*updates: bytes) -> str:
    doc: Doc[Any] = Doc()
    for update in updates:
        doc.apply_update(update)
    return str(doc.get("content", type=Text))


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def update(document_id: str, payload: bytes, **more: Any) -> dict[str, Any]:
    return {"kind": "update", "document_id": document_id, "update": b64(payload), **more}


async def push(who: Person, *operations: dict[str, Any], device: str = "laptop") -> list[dict[str, Any]]:
    answer = await who.post("/sync/push", json={"device_id": device, "operations": operations})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    assert len(results) == len(operations)
    return results


async def pull(who: Person, *documents: dict[str, Any] | str) -> list[dict[str, Any]]:
    """The lines but for the last."""
    wanted = [{"id": one} if isinstance(one, str) else one for one in documents]
    answer = await who.post("/sync/pull", json={"documents": wanted})
    assert answer.status_code == 200, answer.text
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines.pop() == {"status": "end"}
    assert [line["id"] for line in lines] == [one["id"] for one in wanted]
    return lines


def state(line: dict[str, Any]) -> bytes:
    return base64.b64decode(line["update"])
