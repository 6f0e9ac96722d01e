"""Asking those who are signed in for their password once more, before what cannot be undone."""

from functools import partial

from starlette.requests import Request

from collab_server.accounts import throttle
from collab_server.accounts.session_queries import Credentials
from collab_server.errors import InvalidCredentials, TooMany


async def prove_password(request: Request, found: Credentials, password: str | None) -> throttle.Attempt:
    """The attempt, to be forgiven in the transaction that follows. Raises InvalidCredentials, TooMany, Unavailable."""
    failed = partial(request.state.sign_ins.failed, account=found.email, user_id=found.user_id)
    if password is None:
        raise InvalidCredentials("the current password is needed")
    try:
        attempt = await throttle.begin(request.state.db, found.email, signed_in=True)
    except TooMany:
        failed("throttled")
        raise
    if not await request.state.passwords.verify(found.password_hash, password):
        failed("wrong_password")
        raise InvalidCredentials("the password is wrong")
    return attempt
