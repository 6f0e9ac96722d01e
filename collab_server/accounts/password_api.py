"""Routes of passwords, forgotten and changed, and of registration."""

from fastapi import BackgroundTasks, Depends, Request, Response

from collab_server import crypto
from collab_server.accounts import letters, links, queries, session_queries, throttle
from collab_server.accounts.models import SignedIn
from collab_server.accounts.password_models import ForgottenIn, MailSent, PasswordIn, RegisterIn, ResetIn
from collab_server.accounts.passwords import check_choice
from collab_server.accounts.proof import prove_password
from collab_server.accounts.registration import register
from collab_server.accounts.sessions import open_session
from collab_server.accounts.signed_in import welcome
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
    """Set a password, or another one. Every other session of yours ends."""
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
    async with db.as_service() as conn, conn.transaction():
        if not await session_queries.update_password_if(conn, found.user_id, found.password_hash, hashed):
            raise Conflict("the password was changed elsewhere at the same time")
        if attempt is not None:
            await throttle.forgive(conn, attempt)
        await session_queries.delete_sessions_of(conn, found.user_id, keep=identity.credential.id)
        await session_queries.delete_links_of(conn, found.user_id)


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
    """Set a new password with the token of a mailed link, and sign in. Every other session ends."""
    settings = request.state.settings
    async with db.as_service() as conn:
        if not await session_queries.is_link_open(conn, crypto.token_hash(body.token), "reset"):
            raise links.not_valid()
    hashed = await request.state.passwords.hash(body.new_password)
    async with db.as_service() as conn, conn.transaction():
        link = await session_queries.take_link(conn, crypto.token_hash(body.token), ["reset"])
        if link is None or link.user_id is None:
            raise links.not_valid()
        user = await queries.find_user_by_id(conn, link.user_id)
        if user is None:
            raise links.not_valid()
        check_choice(body.new_password, user.email)
        await session_queries.upsert_password(conn, user.id, hashed)
        await queries.update_email_verified(conn, user.id)
        await session_queries.delete_sessions_of(conn, user.id)
        await session_queries.delete_links_of(conn, user.id)
        session = await open_session(conn, user.id, settings=settings, instead_of=session_token(request, settings))
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

    Where the server sends mail, an open registration is finished by a mailed link (202), so that nobody can find out
    who has an account here.
    """
    settings = request.state.settings
    if settings.registration == "closed" or (settings.registration == "invited" and body.invitation is None):
        raise RegistrationClosed("accounts are made by invitation here")
    check_choice(body.password, body.email)
    await throttle.count_registration(db)
    invited: bool | None = None
    if body.invitation is not None:
        async with db.as_service() as conn:
            invited = await session_queries.find_invitation(conn, crypto.token_hash(body.invitation), body.email)
        if invited is None:
            raise RegistrationClosed("there is no open invitation with this token for this address")
    hashed = await request.state.passwords.hash(body.password)
    if invited is None and mailer.configured:
        background.add_task(letters.send_verification, db, mailer, settings, body.email, body.display_name, hashed)
        response.status_code = 202
        return MailSent()
    async with db.as_service() as conn, conn.transaction():
        user_id = await register(conn, body.email, body.display_name, hashed, email_verified=bool(invited))
        session = await open_session(conn, user_id, settings=settings, instead_of=session_token(request, settings))
        user = await queries.find_user_by_id(conn, user_id)
    assert user is not None
    return welcome(user, session, request, response)
