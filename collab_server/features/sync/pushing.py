"""Many documents' edits in, each done or refused by itself."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from collab_server.access import live_queries
from collab_server.access.authors import author_of
from collab_server.access.check import ABSENT
from collab_server.access.policy import Action, Role, allowed, role_of_permission
from collab_server.adapters.postgres import caller
from collab_server.background import Backoff
from collab_server.core.protocol.offline_sync import Edit, MutationResult, PushResult, Refusal
from collab_server.core.protocol.offline_sync import Mutation as MutationText
from collab_server.errors import CollabError, Forbidden, LostRace, NotFound
from collab_server.features.auth import devices
from collab_server.features.documents.request_context import RequestContext
from collab_server.features.sync import models, mutations
from collab_server.web.routes import ATTEMPTS, RETRY

AT_ONCE = 16
"""Maximum number of documents with concurrent updates. They mostly wait for shared commits."""
NOWHERE = UUID(int=0)
"""Document id in the refusal of an operation without one."""

Result = PushResult | MutationResult | Refusal
Given = Edit | MutationText | dict[str, Any]


@dataclass(slots=True)
class Push:
    """The operations of one device, in order.

    Mutations run one after the other, each after earlier updates of its document. Updates of different documents run
    concurrently.
    """

    context: RequestContext
    device: str

    async def run(self, operations: Sequence[Given]) -> list[Result]:
        """A result for each, in their order."""
        caller.set(replace(caller.get(), device_id=self.device))
        await devices.note_version(self.context.db, self.context.identity, self.device)
        read = [_read(given) for given in operations]
        roles = await self._roles({one.document_id for one in read if isinstance(one, Edit)})
        places = asyncio.Semaphore(AT_ONCE)
        results: list[asyncio.Task[Result]] = []
        last: dict[UUID, asyncio.Task[Result]] = {}
        async with asyncio.TaskGroup() as tasks:
            for one in read:
                if isinstance(one, Refusal):
                    results.append(tasks.create_task(_return(one)))
                    continue
                before = last.get(one.document_id)
                if isinstance(one, Edit):
                    work = self._append(one, roles.get(one.document_id), before, places)
                    task = tasks.create_task(work)
                else:
                    if before is not None:
                        await asyncio.wait({before})
                    task = tasks.create_task(self._mutate(one))
                    await asyncio.wait({task})
                    # It may have made the document, or taken the right to it away.
                    roles.pop(one.document_id, None)
                last[one.document_id] = task
                results.append(task)
        return [task.result() for task in results]

    async def _roles(self, document_ids: set[UUID]) -> dict[UUID, Role | None]:
        identity = self.context.identity
        pairs = [(identity.rights, one) for one in document_ids if identity.document_id in (None, one)]
        if not pairs:
            return {}
        async with self.context.db.as_service() as conn:
            found = await live_queries.find_permissions(conn, pairs, self.context.db.guest_role)
        roles = {pair[1]: role_of_permission(permission) for pair, permission in found.items()}
        return {one: None if role is None else min(role, identity.role_cap) for one, role in roles.items()}

    async def _append(
        self, edit: Edit, role: Role | None, before: asyncio.Task[Result] | None, places: asyncio.Semaphore
    ) -> Result:
        if before is not None:
            await asyncio.wait({before})
        async with places:
            try:
                if role is None:
                    role = (await self._roles({edit.document_id})).get(edit.document_id)
                if role is None:
                    raise NotFound(ABSENT)
                if not allowed(role, Action.EDIT):
                    raise Forbidden(f"a {role.label} may not edit this document")
                done = await self.context.rooms.append(
                    edit.document_id,
                    edit.update,
                    author_of(self.context.identity, self.device),
                    generation=edit.generation,
                )
            except CollabError as error:
                return Refusal(edit.document_id, error.code, error.detail)
        return PushResult(edit.document_id, done.generation, done.seq)

    async def _mutate(self, mutation: models.Mutation) -> Result:
        backoff = Backoff(*RETRY)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                result = await mutations.perform(self.context, self.device, mutation)
            except LostRace as error:
                if attempt == ATTEMPTS:
                    return Refusal(mutation.document_id, error.code, error.detail)
                await asyncio.sleep(backoff.next_delay())
            except CollabError as error:
                return Refusal(mutation.document_id, error.code, error.detail)
            else:
                break
        return MutationResult(json.dumps({"key": mutation.key, "status": "ok", **result}, ensure_ascii=False))


async def _return(result: Result) -> Result:
    return result


def _read(given: Given) -> Edit | models.Mutation | Refusal:
    """Refused with the code `invalid` where it is no operation."""
    if isinstance(given, Edit):
        return given
    try:
        if isinstance(given, MutationText):
            read = models.operation.validate_json(given.body)
        else:
            read = models.operation.validate_python(given)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        return Refusal(_document_of(given), "invalid", faults)
    if isinstance(read, models.Update):
        return Edit(read.document_id, read.update, read.generation)
    return read


def _document_of(given: MutationText | dict[str, Any]) -> UUID:
    try:
        fields = json.loads(given.body) if isinstance(given, MutationText) else given
        return UUID(str(fields["document_id"]))
    except (ValueError, TypeError, KeyError):
        return NOWHERE
