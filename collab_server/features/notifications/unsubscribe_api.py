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


_HEAD = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <meta name="robots" content="noindex">
  <title>Mails of notifications · collab_server</title>
  <link rel="icon" href="/static/favicon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/static/page.css">
  <script src="/static/early.js"></script>
</head>
<body class="plain-page card-page" data-state="ready">
<header class="bar">
  <a class="brand" href="/"><img src="/static/favicon.svg" alt="" width="26" height="26"><span>collab_server</span></a>
</header>
<main><div class="card">"""
"""Works without scripts: who opens the link of a mail may have none."""


def _page(title: str, body: str) -> HTMLResponse:
    return HTMLResponse(f"{_HEAD}<h1>{title}</h1>{body}</div></main></body></html>")


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
        "No more mails of notifications?",
        f'<p>The inbox on the pages stays as it is.</p><form method="post" action="{action}">'
        '<button class="button primary full">Turn mails off</button></form>',
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
    return _page(
        "Mails are turned off",
        '<p>You get no more mails of notifications. <a href="/account#notifications">Your settings</a> turn them on '
        "again.</p>",
    )
