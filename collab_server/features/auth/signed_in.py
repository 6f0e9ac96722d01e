"""The answer to a sign-in: account, CSRF token and cookie."""

from starlette.requests import Request
from starlette.responses import Response

from collab_server.features.auth import models
from collab_server.features.auth.services import auth_services
from collab_server.features.auth.sessions import NewSession
from collab_server.features.users import feature_flags, queries
from collab_server.features.users.models import Account
from collab_server.security import tokens
from collab_server.web.cookies import set_session_cookie


def to_account(user: queries.User) -> Account:
    return Account(
        id=user.id,
        email=user.email,
        email_verified=user.email_verified,
        username=user.username,
        display_name=user.display_name,
        avatar_url=user.avatar_url,
        bio=user.bio,
        role=user.role,
        is_active=user.is_active,
        features=feature_flags.resolve_flags(user.features),
        has_password=user.has_password,
        created_at=user.created_at,
        updated_at=user.updated_at,
        last_login_at=user.last_login_at,
    )


def to_signed_in(user: queries.User, session: NewSession, request: Request, response: Response) -> models.SignedIn:
    """Sets the cookie on `response`."""
    set_session_cookie(response, request, session)
    auth_services(request).sign_ins.record_success(session)
    response.headers["cache-control"] = "no-store"
    return models.SignedIn(
        user=to_account(user), csrf_token=tokens.csrf_token(session.token), expires_at=session.expires_at
    )
