"""Password check of a signed-in user before an irreversible action."""

from functools import partial

from starlette.requests import Request

from collab_server.errors import InvalidCredentials, TooMany
from collab_server.features.auth import throttle
from collab_server.features.auth.services import auth_services
from collab_server.features.auth.session_queries import Credentials
from collab_server.web.services import web_services


async def reauthenticate(request: Request, found: Credentials, password: str | None) -> throttle.Attempt:
    """Check the password. Return the attempt, to be reset in the following transaction. Raises InvalidCredentials,
    TooMany, Unavailable.
    """
    failed = partial(auth_services(request).sign_ins.record_failure, account=found.email, user_id=found.user_id)
    if password is None:
        raise InvalidCredentials("the current password is required")
    try:
        attempt = await throttle.begin(web_services(request).db, found.email, signed_in=True)
    except TooMany:
        failed("throttled")
        raise
    if not await auth_services(request).passwords.verify(found.password_hash, password):
        failed("wrong_password")
        raise InvalidCredentials("the password is wrong")
    return attempt
