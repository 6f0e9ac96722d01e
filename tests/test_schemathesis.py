"""Requests made from the OpenAPI description, good ones and bad ones: never a 500, and always an answer that is
documented, to somebody who has a workspace, a document and a token.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.features.attachments.attaching import picture
from tests.people import Person, people
from tests.seeds import choose_seed
from tests.server import Server

EXAMPLES = int(os.environ.get("COLLAB_SCHEMA_EXAMPLES", "4"))
"""Of each operation, good and bad ones each."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with Server(tmp_path_factory.mktemp("schemathesis")) as running:
        yield running


async def things(person: Person) -> dict[str, str]:
    """Ids that paths may name and that are there."""
    workspace = (await person.post("/workspaces", json={"name": "Team"})).json()["id"]
    document = (await person.post(f"/workspaces/{workspace}/documents", json={"title": "Plan"})).json()["id"]
    tag = (await person.post(f"/workspaces/{workspace}/tags", json={"name": "One"})).json()["id"]
    category = (await person.post(f"/workspaces/{workspace}/categories", json={"name": "One"})).json()["id"]
    comment = (await person.post(f"/documents/{document}/comments", json={"content": "One"})).json()["id"]
    attachment = (await person.post(f"/documents/{document}/attachments", content=b"One")).json()["id"]
    file = {"file_name": "One", "size_bytes": 9}
    upload = (await person.post(f"/documents/{document}/uploads", json=file)).json()["id"]
    link = {"kind": "link", "permission": "read"}
    share = (await person.post(f"/documents/{document}/shares", json=link)).json()["id"]
    icon = (await person.put(f"/workspaces/{workspace}/icon", content=picture())).json()["icon"]
    return {
        "picture_id": icon.split("/")[-2],
        "checksum": icon.split("/")[-1],
        "share_id": share,
        "attachment_id": attachment,
        "upload_id": upload,
        "workspace_id": workspace,
        "document_id": document,
        "comment_id": comment,
        "tag_id": tag,
        "category_id": category,
        "user_id": person.id,
    }


async def test_every_operation_keeps_what_its_description_promises(server: Server) -> None:
    [person] = await people(server, "sam", admin=True)
    known = await things(person)
    async with httpx.AsyncClient() as client:
        description = (await client.get(f"{server.api}/openapi.json")).json()
    faults = await asyncio.to_thread(tried_out, description, server, person, known, choose_seed())
    assert not faults, "\n\n".join(faults)


def tried_out(
    description: dict[str, Any], server: Server, person: Person, known: dict[str, str], number: int
) -> list[str]:
    """What is wrong, a text for each operation. `number`: the seed of the examples."""
    schema = schemathesis.openapi.from_dict(description)
    headers = {"authorization": f"Bearer {person.token}"}
    faults = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        if "text/event-stream" in str(operation.definition.raw["responses"]):
            continue  # a good request's answer never ends
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):

            @seed(number)
            @settings(
                max_examples=EXAMPLES,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(mode), real=st.integers(0, 3))
            def attempt(case: schemathesis.Case[Any], real: int) -> None:
                if real and case.method != "DELETE":
                    case.path_parameters = {
                        **case.path_parameters,
                        **{n: known[n] for n in case.path_parameters if n in known},
                    }
                answer = case.call(base_url=server.api, headers=headers, timeout=30)
                if answer.status_code != 431:  # the HTTP server's own, to an address longer than it reads
                    case.validate_response(answer, checks=CHECKS)

            try:
                attempt()
            except (Exception, FailureGroup) as error:
                if type(error).__name__ not in ("Unsatisfiable", "SkipTest"):
                    faults.append(f"{operation.label} ({mode.value}): {error!r}\n{error}"[:1500])
    return faults
