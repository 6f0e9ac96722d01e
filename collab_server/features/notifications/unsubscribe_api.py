"""The routes behind the links of mails. They need no sign-in: the signed token names the account.

A GET changes nothing, because mail scanners follow links.
"""

from html import escape
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import HTMLResponse

from collab_server.errors import NotFound, Unavailable
from collab_server.features.notifications import mail_queries
from collab_server.features.notifications.outbox import PATH
from collab_server.security.tokens import UnsubscribeTokens
from collab_server.web.depends import CurrentDatabase
from collab_server.web.problems import documented
from collab_server.web.routes import router as _router
from collab_server.web.services import web_services

router = _router()

Token = Annotated[str, Query(max_length=200)]
_ABSENT = "this link is not valid, or its account has gone"


def _page(body: str) -> HTMLResponse:
    head = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mails of notifications</title></head>'
    return HTMLResponse(f"{head}<body><main>{body}</main></body></html>")


def _tokens(request: Request) -> UnsubscribeTokens:
    return UnsubscribeTokens(web_services(request).settings.secret())


@router.get(
    "/notifications/unsubscribe",
    tags=["notifications"],
    response_class=HTMLResponse,
    responses=documented(NotFound, Unavailable),
)
async def ask_to_unsubscribe(token: Token, request: Request) -> HTMLResponse:
    """A page that asks whether to turn off mails of notifications. It changes nothing."""
    if _tokens(request).read(token) is None:
        raise NotFound(_ABSENT)
    action = escape(f"{PATH}?token={token}")
    return _page(
        f'<form method="post" action="{action}"><p>Do you want no more mails of notifications?</p>'
        "<button>Turn them off</button></form>"
    )


@router.post(
    "/notifications/unsubscribe",
    tags=["notifications"],
    response_class=HTMLResponse,
    responses=documented(NotFound, Unavailable),
)
async def unsubscribe(token: Token, request: Request, db: CurrentDatabase) -> HTMLResponse:
    """Turn off mails of notifications, for the account in the link of a mail (RFC 8058). The inbox stays."""
    user_id = _tokens(request).read(token)
    if user_id is None:
        raise NotFound(_ABSENT)
    async with db.as_service() as conn:
        if not await mail_queries.turn_off_mail(conn, user_id):
            raise NotFound(_ABSENT)
    return _page("<p>You get no more mails of notifications. Your account's settings turn them on again.</p>")
