"""An expiry deletes: who may set one, by whatever way."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.documents.office import PLAYGROUND, Office, refused
from tests.people import Person

YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).isoformat()
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()


async def push(who: Person, mutation: dict[str, Any]) -> dict[str, Any]:
    body = {"device_id": "laptop", "operations": [{"key": uuid4().hex, **mutation}]}
    answer = await who.post("/sync/push", json=body)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()["results"][0]
    return result


def patch(document: str, expires_at: str | None) -> dict[str, Any]:
    return {"kind": "patch", "document_id": document, "fields": {"expires_at": expires_at}}


async def test_an_expiry_needs_the_right_to_delete(office: Office) -> None:
    document = (await office.make(office.other))["id"]
    path = f"/documents/{document}"
    others = (office.editor, office.commenter, await office.admin.with_scope("write"))
    for who in others:
        assert refused(await who.delete(path)) == (403, "forbidden")
        assert refused(await who.patch(path, json={"expires_at": TOMORROW})) == (403, "forbidden")
        assert (await push(who, patch(document, TOMORROW)))["code"] == "forbidden"
    assert (await office.viewer.get(path)).json()["expires_at"] is None
    author = await office.other.with_scope("write")
    for who in (office.admin, author):
        answer = await who.patch(path, json={"expires_at": TOMORROW})
        assert answer.status_code == 200, answer.text
        for other in others:  # nor does the document outlive what its author has decided
            assert refused(await other.patch(path, json={"expires_at": None})) == (403, "forbidden")
        assert (await push(who, patch(document, None)))["status"] == "ok"
    assert (await office.editor.patch(path, json={"title": "Still theirs to edit"})).status_code == 200


async def test_a_guest_sets_no_expiry(office: Office) -> None:
    document = (await office.make(office.admin, PLAYGROUND))["id"]
    path = f"/documents/{document}"
    assert refused(await office.guest.delete(path)) == (403, "forbidden")
    assert refused(await office.guest.patch(path, json={"expires_at": TOMORROW})) == (403, "forbidden")
    body = {"title": "Bait", "expires_at": TOMORROW}
    for who, status in ((office.guest, 403), (office.admin, 201)):
        assert (await who.post(f"/workspaces/{PLAYGROUND}/documents", json=body)).status_code == status


@pytest.mark.parametrize("moment", [YESTERDAY, "2020-01-01T00:00:00Z"], ids=["yesterday", "long ago"])
async def test_an_expiry_in_the_past_is_refused(office: Office, moment: str) -> None:
    document = (await office.make())["id"]
    assert refused(await office.editor.patch(f"/documents/{document}", json={"expires_at": moment})) == (
        422,
        "unprocessable",
    )
    assert (await push(office.editor, patch(document, moment)))["code"] == "unprocessable"
    fields = {"title": "Late", "expires_at": moment}
    path = f"/workspaces/{office.team}/documents"
    assert refused(await office.editor.post(path, json=fields)) == (422, "unprocessable")
    made = {"kind": "create", "document_id": str(uuid4()), "workspace_id": office.team, "fields": fields}
    assert (await push(office.editor, made))["code"] == "unprocessable"
