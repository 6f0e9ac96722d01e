"""A token of the scope read changes nothing, on any route."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from tests.features.api_harness import PLAYGROUND, ApiHarness, open_api, refused
from tests.peers import Peer

MAY = {
    ("post", "/documents/{document_id}/connect-tokens"),  # no more than reading, for as long
    ("post", "/documents/{document_id}/events/{stream_id}"),  # presence
    ("post", "/sync/pull"),  # reads many documents at once
    ("post", "/sync/push"),  # answers for each operation by itself
    ("delete", "/auth/tokens/{token_id}"),  # itself only
    # These ask for no credential: their body or link is one.
    ("post", "/auth/login"),
    ("post", "/auth/link"),
    ("post", "/auth/logout"),
    ("post", "/auth/register"),
    ("post", "/auth/password/forgot"),
    ("post", "/auth/password/reset"),
    ("post", "/invitations/token/{token}/decline"),
    ("post", "/notifications/unsubscribe"),
    ("post", "/shares/open"),
}


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHarness]:
    async with open_api(tmp_path_factory.mktemp("scopes")) as running:
        yield running


async def test_no_route_that_changes_something_takes_a_read_token(api: ApiHarness) -> None:
    made = await api.make()
    reading = await api.owner.with_scope("read")
    described = (await api.guest.get("/openapi.json")).json()
    known = {"document_id": made["id"], "workspace_id": api.team, "user_id": api.viewer.id, "number": 1}
    tried = 0
    for path, methods in described["paths"].items():
        short = path.removeprefix("/api/v1")
        for method in methods.keys() - {"get", "head"}:
            if (method, short) in MAY:
                continue
            filled = re.sub(r"\{(\w+)\}", lambda found: str(known.get(found[1], uuid4())), short)
            answer = await reading.request(method, filled, json=_example(methods[method], described))
            assert answer.status_code in (403, 404), (method, short, answer.text)
            tried += 1
    assert tried > 40
    after = (await api.owner.get(f"/documents/{made['id']}")).json()
    assert after["row_version"] == made["row_version"]


def _example(operation: dict[str, Any], described: dict[str, Any]) -> Any:
    """The body that the description of the API gives as an example."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = body.get("schema", {})
    for one in [schema, *schema.get("anyOf", [])]:
        if "$ref" in one:
            found = described["components"]["schemas"][one["$ref"].rpartition("/")[2]]
            return found.get("example") or found.get("examples", [{}])[0]
    return {}


async def test_a_read_token_has_no_say_in_favourites(api: ApiHarness) -> None:
    made = await api.make()
    reading, writing = await api.editor.with_scope("read"), await api.editor.with_scope("write")
    for scope in ("read", "comment"):
        token = await api.editor.with_scope(scope)
        assert refused(await token.put(f"/documents/{made['id']}/favourite")) == (403, "forbidden")
    assert (await writing.put(f"/documents/{made['id']}/favourite")).status_code == 204
    assert refused(await reading.delete(f"/documents/{made['id']}/favourite")) == (403, "forbidden")
    assert (await reading.get(f"/documents/{made['id']}")).json()["is_favourite"] is True
    assert (await writing.delete(f"/documents/{made['id']}/favourite")).status_code == 204


async def test_who_may_not_share_a_document_names_nobody_in_it(api: ApiHarness) -> None:
    made = await api.make()
    path = f"/documents/{made['id']}/connect-tokens"
    named = {"role": "viewer", "name": "The Boss"}
    reading = await api.editor.with_scope("read")
    for who in (api.viewer, api.commenter, reading):
        assert refused(await who.post(path, json=named)) == (403, "forbidden")
        assert (await who.post(path, json={"role": "viewer"})).status_code == 201
    answer = await api.editor.post(path, json=named)
    assert answer.status_code == 201
    witness = await Peer(api.server, "yws", made["id"], token=api.owner.token).sync()
    visitor = await Peer(api.server, "hocus", made["id"], token=answer.json()["token"]).sync()
    visitor.announce((7, 1, '{"user":{"name":"somebody else"}}'))
    await witness.until(lambda: '"The Boss"' in witness.presence.get(7, (0, ""))[1], "the name that was given")
    await visitor.close()
    await witness.close()


async def test_guests_name_themselves_and_are_vouched_for_by_nobody(api: ApiHarness) -> None:
    made = await api.make(api.guest, PLAYGROUND)
    path = f"/documents/{made['id']}/connect-tokens"
    answer = await api.guest.post(path, json={"name": "The Boss"})
    assert refused(answer) == (403, "forbidden")
    token = (await api.guest.post(path, json={})).json()["token"]
    witness = await Peer(api.server, "yws", made["id"]).sync()
    visitor = await Peer(api.server, "yws", made["id"], token=token).sync()
    visitor.announce((7, 1, '{"user":{"name":"Quiet Heron"}}'))
    await witness.until(lambda: 7 in witness.presence, "presence")
    assert witness.presence[7][1] == '{"user":{"name":"Quiet Heron"}}'
    await visitor.close()
    await witness.close()
