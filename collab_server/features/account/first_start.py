"""The first administrator: a server without one prints a sign-in link for its operator."""

from collab_server.adapters.postgres import Database, acting
from collab_server.adapters.postgres_errors import CheckViolation, UniqueViolation
from collab_server.errors import ConfigurationError
from collab_server.features.auth.links import make_sign_in_link
from collab_server.features.users import queries
from collab_server.settings import Settings


async def create_administrator_link(db: Database, settings: Settings) -> str | None:
    """Create a sign-in link for the first administrator, and the account if there is none. None after an administrator
    has signed in. Raises ConfigurationError if COLLAB_ADMIN_EMAIL is not an address, Unavailable.
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
            f"{settings.admin_email} belongs to no administrator: set COLLAB_ADMIN_EMAIL to another address, or "
            "run `collab-server user create EMAIL --admin`"
        ) from None
    except CheckViolation:
        raise ConfigurationError(f"COLLAB_ADMIN_EMAIL: {settings.admin_email!r} is not an e-mail address") from None
