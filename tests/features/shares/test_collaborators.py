"""The view `document_collaborators` and `GET documents/{id}/access` agree, whoever looks."""

from uuid import UUID

import asyncpg

from tests.features.api_harness import ApiHarness
from tests.features.shares.sharing import share
from tests.features.workspaces.teams import ok
from tests.people import Person, people, run

Seen = set[tuple[str, str]]
"""(user, how: a role, or `share:` and a permission)"""


async def in_view(api: ApiHarness, document: str, who: Person | None) -> Seen:
    """What the view shows to this person; None: to the server."""
    conn = await asyncpg.connect(api.server.owner_dsn)
    try:
        async with conn.transaction():
            settings = "SELECT set_config('role', $1, true), set_config('app.current_user_id', $2, true)"
            await conn.execute(settings, "app_readwrite" if who else "app_service", who.id if who else "")
            query = "SELECT user_id, via, since FROM document_collaborators WHERE document_id = $1"
            rows = await conn.fetch(query, UUID(document))
    finally:
        await conn.close()
    assert all(row["since"] for row in rows)
    assert len({(row["user_id"], row["via"]) for row in rows}) == len(rows)
    return {(str(row["user_id"]), row["via"]) for row in rows}


async def over_rest(api: ApiHarness, document: str, who: Person) -> Seen:
    """What the routes show to this person, who decides about the document."""
    access = ok(await who.get(f"/documents/{document}/access"))
    assert access["member_count"] == len(access["members"]) or not access["members"]
    shares = ok(await who.get(f"/documents/{document}/shares"))["items"]
    return {(member["id"], member["role"]) for member in access["members"]} | {
        (each["user"]["id"], f"share:{each['permission']}")
        for each in shares
        if each["kind"] == "user" and each["user"]["id"] and not each["expired"]
    }


async def test_the_view_agrees_with_the_routes(api: ApiHarness) -> None:
    document = (await api.make())["id"]
    names = ["chief", "writer", "reader", "returned", "late", "left", "suspended", "blind"]
    staff = dict(zip(names, await people(api.server, *names), strict=True))
    shared: dict[str, str] = {}
    for name, permission in {
        "chief": "admin",
        "writer": "write",
        "reader": "read",
        "returned": "comment",
        "late": "comment",
        "left": "comment",
    }.items():
        fields = {"kind": "user", "user_id": staff[name].id, "permission": permission}
        shared[name] = (await share(api, document, api.admin, **fields))["id"]
    await share(api, document, kind="user", email="nobody@example.org")
    await share(api, document, permission="comment")
    ok(await api.admin.delete(f"/shares/{shared['returned']}"), 204)
    await run(
        api.server,
        "UPDATE shares SET expires_at = now() - interval '1 second' WHERE id = $1",
        [(UUID(shared["late"]),)],
    )
    await run(api.server, "UPDATE users SET is_active = false WHERE id = $1", [(UUID(staff["left"].id),)])
    add = """
        INSERT INTO workspace_members (workspace_id, user_id, role, is_active, permissions)
        VALUES ($1, $2, $3, $4, $5::text::jsonb)
    """
    await run(
        api.server,
        add,
        [
            (UUID(api.team), UUID(staff["suspended"].id), "editor", False, "{}"),
            (UUID(api.team), UUID(staff["blind"].id), "viewer", True, '{"can_read": false}'),
        ],
    )

    grantees: Seen = {
        (staff["chief"].id, "share:admin"),
        (staff["writer"].id, "share:write"),
        (staff["reader"].id, "share:read"),
    }
    roles = ("owner", "admin", "editor", "commenter", "viewer")
    members: Seen = {(api.staff[role].id, role) for role in roles} | {(api.other.id, "editor")}
    assert await in_view(api, document, None) == members | grantees
    # The routes list shares of deactivated people too, as they may be revoked.
    left = {(staff["left"].id, "share:comment")}
    for who in (api.owner, api.admin, api.editor, api.other):
        assert await in_view(api, document, who) == await over_rest(api, document, who) - left == members | grantees
    chief = staff["chief"]
    assert await in_view(api, document, chief) == await over_rest(api, document, chief) - left == grantees
    for who in (api.commenter, api.viewer):
        assert (await who.get(f"/documents/{document}/access")).status_code == 403
        assert await in_view(api, document, who) == members, "only those who decide about it see its shares"
    for name, permission in (("writer", "write"), ("reader", "read")):
        assert (await staff[name].get(f"/documents/{document}/access")).status_code == 403
        assert await in_view(api, document, staff[name]) == {(staff[name].id, f"share:{permission}")}
    for who in (api.stranger, *(staff[name] for name in ("returned", "late", "suspended", "blind"))):
        assert (await who.get(f"/documents/{document}/access")).status_code == 404
        assert await in_view(api, document, who) == set()

    ok(await api.editor.delete(f"/documents/{document}"), 204)
    for anybody in (None, api.owner, chief):
        assert await in_view(api, document, anybody) == set()
