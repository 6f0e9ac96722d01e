"""Routes of passwords and of registration."""

from uuid import uuid4

from fastapi import BackgroundTasks, Depends, Request, Response

from collab_server.adapters.postgres import acting, attribute
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
from collab_server.features.account import changes, emails
from collab_server.features.account.password_models import (
    FinishIn,
    ForgottenIn,
    MailSent,
    PasswordIn,
    RegisterIn,
    ResetIn,
)
from collab_server.features.account.registration import register
from collab_server.features.audit import queries as audit_queries
from collab_server.features.auth import link_queries, links, session_queries, throttle, token_queries
from collab_server.features.auth.models import SignedIn
from collab_server.features.auth.reauthentication import reauthenticate
from collab_server.features.auth.services import auth_services
from collab_server.features.auth.sessions import open_session
from collab_server.features.auth.signed_in import to_signed_in
from collab_server.features.users import queries
from collab_server.features.users.passwords import check_choice
from collab_server.security import tokens
from collab_server.web.cookies import session_token
from collab_server.web.depends import CurrentDatabase, CurrentMailer, CurrentUser, own_page
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router
from collab_server.web.services import web_services

router = _router()


@router.post(
    "/auth/password",
    status_code=204,
    tags=["auth"],
    responses=documented(InvalidCredentials, Forbidden, Conflict, UnprocessableContent, TooMany, Unavailable),
)
async def change_password(body: PasswordIn, identity: CurrentUser, db: CurrentDatabase, request: Request) -> None:
    """Set or change your password. All your other sessions end, and with `revoke_tokens` your API tokens too."""
    if identity.credential is None or identity.credential.kind != "session":
        raise Forbidden("setting a password needs a session, not a token")
    assert identity.user_id is not None
    async with db.as_service() as conn:
        found = await session_queries.find_credentials_of(conn, identity.user_id)
    if found is None:
        raise InvalidCredentials("the account is not active")
    check_choice(body.new_password, found.email)
    attempt = await reauthenticate(request, found, body.current_password) if found.password_hash else None
    hashed = await auth_services(request).passwords.hash(body.new_password)
    async with db.as_service() as conn, acting(conn, found.user_id):
        if not await session_queries.update_password_if(conn, found.user_id, found.password_hash, hashed):
            raise Conflict("the password was changed elsewhere at the same time")
        if attempt is not None:
            await throttle.reset_attempts(conn, attempt, found.user_id)
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
    """Send a link for setting a new password. The answer is the same with and without such an account."""
    await throttle.count_mail_request(db)
    if mailer.configured:
        background.add_task(emails.send_reset, db, mailer, web_services(request).settings, body.email)
    return MailSent()


@router.post(
    "/auth/password/reset",
    tags=["auth"],
    responses=documented(InvalidCredentials, CsrfRejected, UnprocessableContent, Unavailable),
    dependencies=[Depends(own_page)],
)
async def reset_password(body: ResetIn, db: CurrentDatabase, request: Request, response: Response) -> SignedIn:
    """Set a new password with the token of a mailed link, and sign in. All other sessions end, and with `revoke_tokens`
    your API tokens too.
    """
    settings = web_services(request).settings
    await _require_open(db, body.token, "reset", request)
    hashed = await auth_services(request).passwords.hash(body.new_password)
    async with db.as_service() as conn, acting(conn, None):
        user_id = (await links.take(conn, body.token, "reset")).user_id
        user = await queries.find_user_by_id(conn, user_id) if user_id else None
        if user is None:
            raise links.make_link_error()
        check_choice(body.new_password, user.email)
        await attribute(conn, user.id)
        if body.revoke_tokens:
            await token_queries.revoke_tokens_of(conn, user.id)
        await changes.confirm_address(conn, user)
        await session_queries.upsert_password(conn, user.id, hashed)
        await session_queries.delete_sessions_of(conn, user.id)
        await link_queries.delete_links_of(conn, user.id)
        await throttle.remember_place(conn, user.email, user.id)
        await audit_queries.insert_entry(conn, "reset_password", "user", str(user.id))
        session = await open_session(
            conn, user.id, settings=settings, by="reset", instead_of=session_token(request, settings)
        )
        user = await queries.find_user_by_id(conn, user.id)
    assert user is not None
    return to_signed_in(user, session, request, response)


@router.post(
    "/auth/register",
    status_code=201,
    tags=["auth"],
    responses={
        **documented(RegistrationClosed, Conflict, UnprocessableContent, TooMany, Unavailable),
        202: {"model": MailSent, "description": "A link that finishes the registration was mailed"},
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
    """Create an account with the token of an invitation, or without one if registration is open. If the server sends
    mail, an open registration is answered with 202 and a mailed link. The owner of the address then chooses the
    password at `auth/register/finish`. Thus the answer does not show if an account exists, and the account contains
    nothing entered by others.
    """
    settings = web_services(request).settings
    if settings.registration == "closed" or (settings.registration == "invited" and body.invitation is None):
        raise RegistrationClosed("registration on this server needs an invitation")
    by_mail = body.invitation is None and mailer.configured
    if by_mail and (body.password is not None or body.display_name is not None):
        raise UnprocessableContent("leave out password and name: they are set with the mailed link")
    if not by_mail and body.password is None:
        raise UnprocessableContent("a password is required, because this server sends no mail")
    if body.password is not None:
        check_choice(body.password, body.email)
    await throttle.count_registration(db)
    if by_mail or body.password is None:
        background.add_task(emails.send_verification, db, mailer, settings, body.email)
        response.status_code = 202
        return MailSent()
    mailed: bool | None = False
    if body.invitation is not None:
        async with db.as_service() as conn:
            mailed = await link_queries.find_invitation(conn, tokens.token_hash(body.invitation), body.email)
        if mailed is None:
            raise RegistrationClosed("there is no open invitation with this token for this address")
    hashed = await auth_services(request).passwords.hash(body.password)
    return await _insert_registered(
        body.email, body.display_name, hashed, None, db, request, response, verified=bool(mailed)
    )


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
    """Create the account for the address of a mailed link, with the owner's password and name, and sign in."""
    if web_services(request).settings.registration != "open":
        raise RegistrationClosed("registration on this server needs an invitation")
    await _require_open(db, body.token, "verify", request)
    hashed = await auth_services(request).passwords.hash(body.password)
    async with db.as_service() as conn:
        email = await link_queries.find_email(conn, tokens.token_hash(body.token))
    if email is None:
        raise links.make_link_error()
    check_choice(body.password, email)
    return await _insert_registered(email, body.display_name, hashed, body.token, db, request, response, verified=True)


async def _insert_registered(
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
    """Insert the account and sign it in. `link`: the token of the mailed link; it is used up."""
    settings, user_id = web_services(request).settings, uuid4()
    async with db.as_service() as conn, acting(conn, user_id):
        if link is not None:
            await links.take(conn, link, "verify")
        await register(conn, email, name, hashed, user_id=user_id, email_verified=verified)
        await throttle.remember_place(conn, email, user_id)
        session = await open_session(
            conn, user_id, settings=settings, by="registration", instead_of=session_token(request, settings)
        )
        user = await queries.find_user_by_id(conn, user_id)
    assert user is not None
    return to_signed_in(user, session, request, response)


async def _require_open(db: CurrentDatabase, token: str, purpose: links.Purpose, request: Request) -> None:
    """Check the link before a password is hashed. Raises InvalidCredentials."""
    async with db.as_service() as conn:
        try:
            await links.require_open(conn, token, purpose)
        except InvalidCredentials:
            auth_services(request).sign_ins.record_failure("link")
            raise
