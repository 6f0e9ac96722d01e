"""Routes of passwords, forgotten and changed, and of registration."""

from uuid import uuid4

from fastapi import BackgroundTasks, Depends, Request, Response

from collab_server import crypto
from collab_server.accounts import (
    audit_queries,
    changes,
    letters,
    link_queries,
    links,
    queries,
    session_queries,
    throttle,
    token_queries,
)
from collab_server.accounts.models import SignedIn
from collab_server.accounts.password_models import FinishIn, ForgottenIn, MailSent, PasswordIn, RegisterIn, ResetIn
from collab_server.accounts.passwords import check_choice
from collab_server.accounts.proof import prove_password
from collab_server.accounts.registration import register
from collab_server.accounts.sessions import open_session
from collab_server.accounts.signed_in import welcome
from collab_server.backends.db import acting, attribute
from collab_server.errors import (
    Conflict,
    CsrfRejected,
    Forbidden,
    InvalidCredentials,
    RegistrationClosed,
    TooMany,
    Unavailable,
    UnprocessableContent,
)
from collab_server.web.cookies import session_token
from collab_server.web.depends import CurrentDatabase, CurrentMailer, CurrentUser, own_page
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router

router = _router()


@router.post(
    "/auth/password",
    status_code=204,
    tags=["auth"],
    responses=documented(InvalidCredentials, Forbidden, Conflict, UnprocessableContent, TooMany, Unavailable),
)
async def change_password(body: PasswordIn, identity: CurrentUser, db: CurrentDatabase, request: Request) -> None:
    """Set a password, or another one. Every other session of yours ends, and every API token if you say so."""
    if identity.credential is None or identity.credential.kind != "session":
        raise Forbidden("a password is set in a browser that is signed in, not with a token")
    assert identity.user_id is not None
    async with db.as_service() as conn:
        found = await session_queries.find_credentials_of(conn, identity.user_id)
    if found is None:
        raise InvalidCredentials("the account is not active")
    check_choice(body.new_password, found.email)
    attempt = await prove_password(request, found, body.current_password) if found.password_hash else None
    hashed = await request.state.passwords.hash(body.new_password)
    async with db.as_service() as conn, acting(conn, found.user_id):
        if not await session_queries.update_password_if(conn, found.user_id, found.password_hash, hashed):
            raise Conflict("the password was changed elsewhere at the same time")
        if attempt is not None:
            await throttle.forgive(conn, attempt, found.user_id)
        await session_queries.delete_sessions_of(conn, found.user_id, keep=identity.credential.id)
        await link_queries.delete_links_of(conn, found.user_id)
        if body.revoke_tokens:
            await token_queries.revoke_tokens_of(conn, found.user_id)
        await audit_queries.insert_entry(conn, "set_password", "user", str(found.user_id))


@router.post(
    "/auth/password/forgot",
    status_code=202,
    tags=["auth"],
    responses=documented(CsrfRejected, TooMany, Unavailable),
    dependencies=[Depends(own_page)],
)
async def forget_password(
    body: ForgottenIn, db: CurrentDatabase, mailer: CurrentMailer, request: Request, background: BackgroundTasks
) -> MailSent:
    """Have a link mailed that sets a new password. The answer is the same whether or not there is such an account."""
    await throttle.count_mail_request(db)
    if mailer.configured:
        background.add_task(letters.send_reset, db, mailer, request.state.settings, body.email)
    return MailSent()


@router.post(
    "/auth/password/reset",
    tags=["auth"],
    responses=documented(InvalidCredentials, CsrfRejected, UnprocessableContent, Unavailable),
    dependencies=[Depends(own_page)],
)
async def reset_password(body: ResetIn, db: CurrentDatabase, request: Request, response: Response) -> SignedIn:
    """Set a new password with the token of a mailed link, and sign in. Every other session ends, and every API token
    that you do not want to keep.
    """
    settings = request.state.settings
    await _require_open(db, body.token, "reset", request)
    hashed = await request.state.passwords.hash(body.new_password)
    async with db.as_service() as conn, acting(conn, None):
        user_id = (await links.take(conn, body.token, "reset")).user_id
        user = await queries.find_user_by_id(conn, user_id) if user_id else None
        if user is None:
            raise links.not_valid()
        check_choice(body.new_password, user.email)
        await attribute(conn, user.id)
        if body.revoke_tokens:
            await token_queries.revoke_tokens_of(conn, user.id)
        await changes.prove_address(conn, user)
        await session_queries.upsert_password(conn, user.id, hashed)
        await session_queries.delete_sessions_of(conn, user.id)
        await link_queries.delete_links_of(conn, user.id)
        await throttle.know(conn, user.email, user.id)
        await audit_queries.insert_entry(conn, "reset_password", "user", str(user.id))
        session = await open_session(
            conn, user.id, settings=settings, by="reset", instead_of=session_token(request, settings)
        )
        user = await queries.find_user_by_id(conn, user.id)
    assert user is not None
    return welcome(user, session, request, response)


@router.post(
    "/auth/register",
    status_code=201,
    tags=["auth"],
    responses={
        **documented(RegistrationClosed, Conflict, UnprocessableContent, TooMany, Unavailable),
        202: {"model": MailSent, "description": "A link that finishes it was mailed"},
    },
    dependencies=[Depends(own_page)],
)
async def register_account(
    body: RegisterIn,
    db: CurrentDatabase,
    mailer: CurrentMailer,
    request: Request,
    response: Response,
    background: BackgroundTasks,
) -> SignedIn | MailSent:
    """Make an account: with an invitation's token, or where this server is open to everybody.

    Where the server sends mail, an open registration gets a mailed link (202), behind which the owner of the address
    chooses the password (`auth/register/finish`): nobody finds out who has an account here, and nothing that others
    entered is in the account.
    """
    settings = request.state.settings
    if settings.registration == "closed" or (settings.registration == "invited" and body.invitation is None):
        raise RegistrationClosed("accounts are made by invitation here")
    by_mail = body.invitation is None and mailer.configured
    if by_mail and (body.password is not None or body.display_name is not None):
        raise UnprocessableContent("password and name are given behind the link that is mailed: leave them out here")
    if not by_mail and body.password is None:
        raise UnprocessableContent("a password is needed, as no link is mailed")
    if body.password is not None:
        check_choice(body.password, body.email)
    await throttle.count_registration(db)
    if by_mail or body.password is None:
        background.add_task(letters.send_verification, db, mailer, settings, body.email)
        response.status_code = 202
        return MailSent()
    mailed: bool | None = False
    if body.invitation is not None:
        async with db.as_service() as conn:
            mailed = await link_queries.find_invitation(conn, crypto.token_hash(body.invitation), body.email)
        if mailed is None:
            raise RegistrationClosed("there is no open invitation with this token for this address")
    hashed = await request.state.passwords.hash(body.password)
    return await _made(body.email, body.display_name, hashed, None, db, request, response, verified=bool(mailed))


@router.post(
    "/auth/register/finish",
    status_code=201,
    tags=["auth"],
    responses=documented(
        InvalidCredentials, CsrfRejected, RegistrationClosed, Conflict, UnprocessableContent, Unavailable
    ),
    dependencies=[Depends(own_page)],
)
async def finish_registration(body: FinishIn, db: CurrentDatabase, request: Request, response: Response) -> SignedIn:
    """Make the account of a mailed link's address, with a password and a name of its owner's, and sign in."""
    if request.state.settings.registration != "open":
        raise RegistrationClosed("accounts are made by invitation here")
    await _require_open(db, body.token, "verify", request)
    hashed = await request.state.passwords.hash(body.password)
    async with db.as_service() as conn:
        email = await link_queries.find_email(conn, crypto.token_hash(body.token))
    if email is None:
        raise links.not_valid()
    check_choice(body.password, email)
    return await _made(email, body.display_name, hashed, body.token, db, request, response, verified=True)


async def _made(
    email: str,
    name: str | None,
    hashed: str,
    link: str | None,
    db: CurrentDatabase,
    request: Request,
    response: Response,
    *,
    verified: bool,
) -> SignedIn:
    """The new account, signed in. `link`: the token of the mailed link, which is used up."""
    settings, user_id = request.state.settings, uuid4()
    async with db.as_service() as conn, acting(conn, user_id):
        if link is not None:
            await links.take(conn, link, "verify")
        await register(conn, email, name, hashed, user_id=user_id, email_verified=verified)
        await throttle.know(conn, email, user_id)
        session = await open_session(
            conn, user_id, settings=settings, by="registration", instead_of=session_token(request, settings)
        )
        user = await queries.find_user_by_id(conn, user_id)
    assert user is not None
    return welcome(user, session, request, response)


async def _require_open(db: CurrentDatabase, token: str, purpose: links.Purpose, request: Request) -> None:
    """Before a password is hashed for nothing. Raises InvalidCredentials."""
    async with db.as_service() as conn:
        try:
            await links.require_open(conn, token, purpose)
        except InvalidCredentials:
            request.state.sign_ins.failed("link")
            raise
