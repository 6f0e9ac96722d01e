"""Many documents' edits in, each done or refused by itself."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from collab_server.access import live_queries
from collab_server.access.check import ABSENT
from collab_server.access.policy import Action, Role, allowed, role_of_permission
from collab_server.accounts import devices
from collab_server.backends.db import caller
from collab_server.crdt.bundles import Edit, Mutated, Pushed, Refused
from collab_server.crdt.bundles import Mutation as MutationText
from collab_server.crdt.room import Author
from collab_server.documents.showing import Desk
from collab_server.errors import CollabError, Forbidden, LostRace, NotFound
from collab_server.sync import models, mutations

AT_ONCE = 16
"""Documents whose updates are on their way at a time: most of that is waiting for the commit, which they share."""
ATTEMPTS = 4
NOWHERE = UUID(int=0)
"""In the refusal of an operation that does not say of which document it is."""

Result = Pushed | Mutated | Refused
Given = Edit | MutationText | dict[str, Any]


@dataclass(slots=True)
class Push:
    """The operations of one device, in the order in which it did them.

    Mutations are done in their order, each when the updates of its document before it are done. Updates of different
    documents are done side by side.
    """

    desk: Desk
    device: str

    async def run(self, operations: Sequence[Given]) -> list[Result]:
        """A result for each, in their order."""
        caller.set(replace(caller.get(), device_id=self.device))
        await devices.note_version(self.desk.db, self.desk.identity, self.device)
        read = [_read(given) for given in operations]
        roles = await self._roles({one.document_id for one in read if isinstance(one, Edit)})
        places = asyncio.Semaphore(AT_ONCE)
        results: list[asyncio.Task[Result]] = []
        last: dict[UUID, asyncio.Task[Result]] = {}
        async with asyncio.TaskGroup() as tasks:
            for one in read:
                if isinstance(one, Refused):
                    results.append(tasks.create_task(_ready(one)))
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
        identity = self.desk.identity
        pairs = [(identity.rights_of, one) for one in document_ids if identity.document_id in (None, one)]
        if not pairs:
            return {}
        async with self.desk.db.as_service() as conn:
            found = await live_queries.find_permissions(conn, pairs, self.desk.db.guest_role)
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
                done = await self.desk.rooms.append(
                    edit.document_id,
                    edit.update,
                    Author(self.desk.identity.user_id, self.device),
                    generation=edit.generation,
                )
            except CollabError as error:
                return Refused(edit.document_id, error.code, error.detail)
        return Pushed(edit.document_id, done.generation, done.seq)

    async def _mutate(self, mutation: models.Mutation) -> Result:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                result = await mutations.perform(self.desk, self.device, mutation)
            except LostRace as error:
                if attempt == ATTEMPTS:
                    return Refused(mutation.document_id, error.code, error.detail)
                await asyncio.sleep(0.02 * 2**attempt)
            except CollabError as error:
                return Refused(mutation.document_id, error.code, error.detail)
            else:
                break
        return Mutated(json.dumps({"key": mutation.key, "status": "ok", **result}, ensure_ascii=False))


async def _ready(result: Result) -> Result:
    return result


def _read(given: Given) -> Edit | models.Mutation | Refused:
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
        return Refused(_document_of(given), "invalid", faults)
    if isinstance(read, models.Update):
        return Edit(read.document_id, read.update, read.generation)
    return read


def _document_of(given: MutationText | dict[str, Any]) -> UUID:
    try:
        fields = json.loads(given.body) if isinstance(given, MutationText) else given
        return UUID(str(fields["document_id"]))
    except (ValueError, TypeError, KeyError):
        return NOWHERE
