"""Feature flags: what people may use, unless an administrator has decided otherwise for one of them."""

import json
from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

from collab_server.accounts import queries
from collab_server.backends.db import Conn
from collab_server.errors import Forbidden, Unauthenticated


class Feature(StrEnum):
    API_TOKENS = "api_tokens"
    CREATE_WORKSPACES = "create_workspaces"


DEFAULTS: Mapping[Feature, bool] = {
    Feature.API_TOKENS: True,
    Feature.CREATE_WORKSPACES: True,
}


def effective(overrides: str) -> dict[str, bool]:
    """All flags of one user. `overrides`: `users.features`, JSON; what it says of unknown flags is left out."""
    own = json.loads(overrides)
    return {flag.value: bool(own.get(flag.value, default)) for flag, default in DEFAULTS.items()}


async def require(conn: Conn, user_id: UUID, flag: Feature) -> None:
    """`conn`: under app_service. Raises Forbidden; Unauthenticated where the account is gone."""
    user = await queries.find_user_by_id(conn, user_id)
    if user is None:
        raise Unauthenticated("the account is gone")
    if not effective(user.features)[flag.value]:
        raise Forbidden(f"an administrator has turned off {flag.value} for {user.email}")
