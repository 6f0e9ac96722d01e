"""The first administrator: a server that nobody administers tells its operator how to get in."""

from collab_server.accounts import queries
from collab_server.accounts.links import make_sign_in_link
from collab_server.backends.db import CheckViolation, Database, UniqueViolation, acting
from collab_server.errors import ConfigurationError
from collab_server.settings import Settings


async def administrator_link(db: Database, settings: Settings) -> str | None:
    """A link that signs the first administrator in, who is made where there is none; None once one has been here.

    Raises ConfigurationError where COLLAB_ADMIN_EMAIL is no address, Unavailable.
    """
    try:
        async with db.as_service() as conn, acting(conn, None, "first start"):
            await queries.lock_administrators(conn)
            if await queries.has_administrator_who_came(conn):
                return None
            user_id = await queries.find_first_administrator(conn)
            if user_id is None:
                user_id = await queries.insert_user(conn, settings.admin_email, "Administrator", "admin")
                await queries.insert_personal_workspace(conn, user_id, "Administrator", "administrator")
            return await make_sign_in_link(conn, user_id, settings, "first_start")
    except UniqueViolation:
        raise ConfigurationError(
            f"{settings.admin_email} is a user, but no administrator: set COLLAB_ADMIN_EMAIL to another address, or "
            "run `collab-server user create EMAIL --admin`"
        ) from None
    except CheckViolation:
        raise ConfigurationError(f"COLLAB_ADMIN_EMAIL: {settings.admin_email!r} is not an e-mail address") from None
