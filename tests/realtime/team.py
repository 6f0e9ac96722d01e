"""A team's document on a running server, people who have it open, and changes of their rights by SQL."""

from uuid import UUID, uuid4

import asyncpg

from collab_server.security.tokens import new_secret, token_hash
from tests.peers import Family, Peer
from tests.people import Person, people
from tests.raw_socket import WITHIN, Ended
from tests.server import Server

AT_ONCE = WITHIN
"""Seconds to wait for the effect of a notice. The regular check, which needs no notice, comes after 60."""
ENDS = {
    "unauthenticated": 4401,
    "share_ended": 4401,
    "share_password_required": 4401,
    "share_used_up": 4403,
    "forbidden": 4403,
    "not_collaborative": 4403,
    "encrypted_document": 4403,
    "not_found": 4404,
    "stale_generation": 4409,
}


class Team:
    """Ann's workspace with one document. `owner`: the database's superuser."""

    def __init__(self, server: Server, owner: asyncpg.Connection, ann: Person) -> None:
        self.server = server
        self.owner = owner
        self.ann = ann
        self.id = uuid4()
        self.document = uuid4()

    async def member(self, name: str, role: str | None) -> Person:
        """A new person, a member unless `role` is None."""
        [person] = await people(self.server, name, scope="write")
        if role is not None:
            await self.join(person, role)
        return person

    async def join(self, person: Person, role: str, workspace: UUID | None = None) -> None:
        await self.owner.execute(
            "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, $3)",
            workspace or self.id,
            UUID(person.id),
            role,
        )

    async def workspace(self) -> UUID:
        """Another workspace of Ann's."""
        made = uuid4()
        await self.owner.execute(
            "INSERT INTO workspaces (id, owner_id, name, kind) VALUES ($1, $2, 'Other', 'team')",
            made,
            UUID(self.ann.id),
        )
        return made

    async def set_member(self, person: Person, change: str) -> None:
        where = "WHERE workspace_id = $1 AND user_id = $2"
        await self.owner.execute(f"UPDATE workspace_members SET {change} {where}", self.id, UUID(person.id))

    async def remove(self, person: Person) -> None:
        where = "WHERE workspace_id = $1 AND user_id = $2"
        await self.owner.execute(f"DELETE FROM workspace_members {where}", self.id, UUID(person.id))

    async def set_document(self, change: str) -> None:
        await self.owner.execute(f"UPDATE documents SET {change} WHERE id = $1", self.document)

    async def set_workspace(self, change: str) -> None:
        await self.owner.execute(f"UPDATE workspaces SET {change} WHERE id = $1", self.id)

    def peer(self, family: Family, who: Person | None, token: str | None = None) -> Peer:
        """A client that has not connected yet."""
        return Peer(self.server, family, str(self.document), token=token or (who.token if who else None))

    async def signed_in(self, who: Person) -> tuple[str, str]:
        """(id, cookie) of a new session."""
        cookie = new_secret()
        made: UUID = await self.owner.fetchval(
            """
            INSERT INTO sessions (user_id, token_hash, expires_at) VALUES ($1, $2, now() + interval '1 hour')
            RETURNING id
            """,
            UUID(who.id),
            token_hash(cookie),
        )
        return str(made), cookie

    async def opened(self, family: Family, who: Person | None, token: str | None = None) -> Peer:
        return await self.peer(family, who, token).sync()


async def found_team(server: Server, owner: asyncpg.Connection) -> Team:
    [ann] = await people(server, "ann")
    team = Team(server, owner, ann)
    await owner.execute(
        "INSERT INTO workspaces (id, owner_id, name, kind, member_limit) VALUES ($1, $2, 'Team', 'team', 5000)",
        team.id,
        UUID(ann.id),
    )
    await owner.execute(
        "INSERT INTO documents (id, workspace_id, title, created_by) VALUES ($1, $2, 'Plan', $3)",
        team.document,
        team.id,
        UUID(ann.id),
    )
    return team


async def ended(peer: Peer, code: str, within: float = AT_ONCE) -> str:
    """Wait until the peer's document has ended for this reason, which a stock client takes for final; the reason."""
    if peer.family == "hocus":
        await peer.until(lambda: peer.closes, f"a close with {code}", within)
        [reason] = peer.closes
        assert peer.connected, "other documents of the socket go on"
    else:
        assert peer.socket is not None
        end: Ended = await peer.socket.end(within)
        assert end.code == ENDS[code]
        reason = end.reason
    assert reason.startswith(f"{code}: ")
    return reason


async def turned_down(peer: Peer, code: str) -> None:
    """Connect, and be refused for this reason."""
    await peer.connect()
    if peer.family == "hocus":
        await peer.until(lambda: peer.denied, "a refusal")
        assert peer.denied[0].startswith(f"{code}: ")
        await peer.close()
    else:
        assert peer.socket is not None
        end = await peer.socket.end()
        assert end.code == ENDS[code]
        assert end.reason.startswith(f"{code}: ")


async def cannot_edit(peer: Peer, witness: Peer, within: float = AT_ONCE) -> None:
    """Wait until the peer is told that it may only read; an edit of its does not get in."""
    if peer.family == "hocus":
        await peer.until(lambda: peer.scope == "readonly", "readonly", within)
        await peer.saved(within)  # the next status is of what follows
    else:
        await peer.until(lambda: peer.denied, "a refusal", within)
        peer.denied.clear()
    said = len(peer.status)
    mark = peer.type_mark()
    if peer.family == "hocus":
        await peer.until(lambda: len(peer.status) > said, "a status", within)
        assert peer.status[said] == 0
    # The server has read the edit, and then answered the witness: what it gave on would have come before.
    for one in (peer, witness):
        assert one.socket is not None
        await one.socket.round_trip()
    assert mark not in witness.marks


async def can_edit(peer: Peer, witness: Peer, within: float = AT_ONCE) -> None:
    """Wait until the peer may edit, and an edit of its arrives."""
    if peer.family == "hocus":
        await peer.until(lambda: peer.scope == "read-write", "read-write", within)
    mark = peer.type_mark()
    await witness.sees(mark, within=within)
