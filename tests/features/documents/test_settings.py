"""Settings of a document: those that act, other names of them, and what is refused, by every way to write them."""

from typing import Any
from uuid import uuid4

import pytest

from collab_server.features.documents.kinds import adopt_settings, check_settings
from tests.features.api_harness import ApiHarness, refused
from tests.peers import Family, Peer
from tests.people import Person

FAMILIES: tuple[Family, ...] = ("yws", "hocus")
SEEDS = {"editor_mode": "wysiwyg", "ai_enabled": True, "auto_save": True, "collaboration_enabled": True}
WRONG: list[dict[str, Any]] = [
    {"colaboration": False},
    {"collaboration_enabled": "no"},
    {"collaboration_enabled": False, "collaboration": True},
    {"editor_mode": "vi"},
    {"extra": []},
]


async def push(who: Person, mutation: dict[str, Any]) -> dict[str, Any]:
    body = {"device_id": "laptop", "operations": [{"key": uuid4().hex, **mutation}]}
    answer = await who.post("/sync/push", json=body)
    if answer.status_code != 200:
        return {"status": "refused", "code": answer.json()["code"]}
    result: dict[str, Any] = answer.json()["results"][0]
    return result


async def verdict(api: ApiHarness, document: str, family: Family) -> str:
    """Why a socket of the editor is turned down."""
    peer = Peer(api.server, family, document, token=api.editor.token)
    await peer.connect()
    await peer.until(lambda: peer.denied or not peer.connected, "a verdict")
    if family == "hocus":
        (reason,) = peer.denied
    else:
        assert peer.socket is not None
        end = await peer.socket.end()
        assert end.code == 4403
        reason = end.reason
    await peer.close()
    return reason


@pytest.mark.parametrize("family", FAMILIES)
async def test_collaboration_enabled_is_another_name_of_collaboration(api: ApiHarness, family: Family) -> None:
    made = await api.make(settings={**SEEDS, "collaboration_enabled": False})
    assert made["settings"] == {"editor_mode": "wysiwyg", "ai_enabled": True, "auto_save": True, "collaboration": False}
    assert "not_collaborative" in await verdict(api, made["id"], family)
    path = f"/documents/{made['id']}"
    for on in (SEEDS, {"collaboration": True, "collaboration_enabled": True}):
        assert (await api.editor.patch(path, json={"settings": on})).json()["settings"]["collaboration"] is True
        peer = await Peer(api.server, family, made["id"], token=api.editor.token).sync()
        off = {"kind": "patch", "document_id": made["id"], "fields": {"settings": {"collaboration_enabled": False}}}
        assert (await push(api.editor, off))["status"] == "ok"
        await peer.refused()
        await peer.close()


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
async def test_a_setting_that_would_do_nothing_is_refused(api: ApiHarness, wrong: dict[str, Any]) -> None:
    made = await api.make()
    path = f"/documents/{made['id']}"
    assert refused(await api.editor.patch(path, json={"settings": wrong})) == (422, "invalid")
    body = {"title": "T", "settings": wrong}
    assert refused(await api.editor.post(f"/workspaces/{api.team}/documents", json=body)) == (422, "invalid")
    patch = {"kind": "patch", "document_id": made["id"], "fields": {"settings": wrong}}
    create = {"kind": "create", "document_id": str(uuid4()), "workspace_id": api.team, "fields": body}
    for mutation in (patch, create):
        assert (await push(api.editor, mutation))["status"] != "ok"
    assert (await api.editor.get(path)).json()["settings"] == {}


def test_settings_of_other_versions_are_adopted_whole() -> None:
    old = {"collaboration_enabled": False, "own": "x", "extra": {"y": 1}}
    assert check_settings(adopt_settings(old)) == {"collaboration": False, "extra": {"own": "x", "y": 1}}
    assert adopt_settings({"auto_save": False}) == {"auto_save": False}
    assert adopt_settings({"own": 1, "extra": "odd"}) == {"extra": {"own": 1}}


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_password_says_that_it_is_one(api: ApiHarness, family: Family) -> None:
    secret = await api.make(type="password", content_encrypted="c2VjcmV0", encryption={"alg": "A256GCM"})
    assert "encrypted_document" in await verdict(api, secret["id"], family)
