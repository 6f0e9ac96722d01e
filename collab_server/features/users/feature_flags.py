"""Feature flags with defaults, and overrides of an administrator for one user."""

import json
from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.errors import Forbidden, Unauthenticated
from collab_server.features.users import queries


class Feature(StrEnum):
    API_TOKENS = "api_tokens"
    CREATE_WORKSPACES = "create_workspaces"


DEFAULTS: Mapping[Feature, bool] = {
    Feature.API_TOKENS: True,
    Feature.CREATE_WORKSPACES: True,
}


def resolve_flags(overrides: str) -> dict[str, bool]:
    """Return all flags of one user. `overrides`: `users.features`, JSON; unknown flags are ignored."""
    own = json.loads(overrides)
    return {flag.value: bool(own.get(flag.value, default)) for flag, default in DEFAULTS.items()}


async def require(conn: Conn, user_id: UUID, flag: Feature) -> None:
    """`conn`: under app_service. Raises Forbidden; Unauthenticated where the account no longer exists."""
    user = await queries.find_user_by_id(conn, user_id)
    if user is None:
        raise Unauthenticated("the account no longer exists")
    if not resolve_flags(user.features)[flag.value]:
        raise Forbidden(f"an administrator has turned off {flag.value} for {user.email}")
