"""Mails about notifications, through a real mail server. Time is given to each round."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from collab_server.adapters.mail import Mailer
from collab_server.adapters.postgres import Database
from collab_server.features.notifications import mail_queries
from collab_server.features.notifications.outbox import LEASE, OLDEST, REFUSALS, Outbox
from collab_server.security.tokens import UnsubscribeTokens
from collab_server.settings import Settings
from tests import databases
from tests.features.api_harness import ApiHarness, open_api
from tests.features.notifications.discussing import comment, follow
from tests.features.shares.sharing import share
from tests.people import Person, fetch, run
from tests.postbox import Postbox, postbox
from tests.server import free_port
from tests.waiting import until

MINUTE = timedelta(minutes=1)
SECRET = b"a key of these tests"


@pytest.fixture
def box() -> Iterator[Postbox]:
    with postbox() as opened:
        yield opened


class Team:
    """A team in a fresh database, met as a server meets it: Ann writes, Ben and Cleo follow."""

    def __init__(self, owner: asyncpg.Connection, db: Database, outbox: Outbox, mailer: Mailer) -> None:
        self.owner = owner
        self.db = db
        self.outbox = outbox
        self.mailer = mailer
        self.people: dict[str, UUID] = {}
        self.workspace = uuid4()
        self.document = uuid4()

    async def write(self, text: str = "Is this so?", document: UUID | None = None) -> UUID:
        """A comment by Ann. Return its id."""
        async with self.db.as_user(self.people["ann"]) as conn:
            made: UUID = await conn.fetchval(
                "INSERT INTO comments (document_id, workspace_id, content, content_html) VALUES ($1, $2, $3, $3) "
                "RETURNING id",
                document or self.document,
                self.workspace,
                text,
            )
        return made

    async def add_document(self, title: str) -> UUID:
        add = "INSERT INTO documents (workspace_id, title) VALUES ($1, $2) RETURNING id"
        made: UUID = await self.owner.fetchval(add, self.workspace, title)
        return made

    async def set(self, who: str, **notifications: object) -> None:
        settings = {name: value for name, value in notifications.items()}
        add = (
            "INSERT INTO user_settings (user_id, notifications) VALUES ($1, $2::text::jsonb) "
            "ON CONFLICT (user_id) DO UPDATE SET notifications = EXCLUDED.notifications"
        )
        await self.owner.execute(add, self.people[who], str(settings).replace("'", '"').replace("False", "false"))

    async def outcomes(self) -> list[str | None]:
        return [row[0] for row in await self.owner.fetch("SELECT outcome FROM mail_outbox ORDER BY created_at, id")]


@asynccontextmanager
async def open_team(url: str, **settings: object) -> AsyncIterator[Team]:
    async with databases.migrated() as database:
        owner, db = await asyncpg.connect(database.owner_dsn), Database(database.login_dsn)
        mailer = Mailer(url, "Collab <collab@docs.example>")
        given: dict[str, Any] = {"secret_key": SECRET.decode(), "public_url": "https://docs.example", **settings}
        outbox = Outbox(db, mailer, Settings(**given), UnsubscribeTokens(SECRET))
        await db.open()
        team = Team(owner, db, outbox, mailer)
        try:
            for name in ("ann", "ben", "cleo"):
                add = "INSERT INTO users (email, email_verified, display_name) VALUES ($1, true, $2) RETURNING id"
                team.people[name] = await owner.fetchval(add, f"{name}@example.org", name.title())
            add = "INSERT INTO workspaces (id, owner_id, name, slug, kind) VALUES ($1, $2, 'Team', 'team', 'team')"
            await owner.execute(add, team.workspace, team.people["ann"])
            for name in ("ben", "cleo"):
                add = "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'editor')"
                await owner.execute(add, team.workspace, team.people[name])
            add = "INSERT INTO documents (id, workspace_id, title, name) VALUES ($1, $2, 'Plan', 'the plan')"
            await owner.execute(add, team.document, team.workspace)
            await owner.execute("DELETE FROM notifications")
            add = "INSERT INTO subscriptions (user_id, workspace_id, level) VALUES ($1, $2, 'follow')"
            await owner.execute(add, team.people["ben"], team.workspace)
            yield team
        finally:
            mailer.close()
            await db.close()
            await owner.close()


@pytest.fixture
async def team(box: Postbox) -> AsyncIterator[Team]:
    async with open_team(box.url) as opened:
        yield opened


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def now() -> datetime:
    return datetime.now(UTC)


async def test_ten_comments_are_one_mail_after_the_collection_time(team: Team, box: Postbox) -> None:
    written = [await team.write(f"number {number} <b>&") for number in range(10)]
    assert await team.outbox.deliver(now()) == 0
    assert await team.outbox.deliver(now() + timedelta(seconds=50)) == 0
    assert await team.outbox.deliver(now() + timedelta(seconds=61)) == 1
    (message,) = box.messages
    assert box.envelopes == [("collab@docs.example", ["ben@example.org"])]
    assert message["Subject"] == "10 notifications about “Plan”"
    text, html = text_of(message), text_of(message, "html")
    places = [text.index(f"https://docs.example/d/@team/the%20plan#comment-{one}") for one in written]
    assert places == sorted(places)
    assert text.count("Ann commented on “Plan”") == 10 and "number 9" in text
    assert "number 9 <b>" not in html and all(f"#comment-{one}" in html for one in written)
    assert await team.outbox.deliver(now() + timedelta(hours=1)) == 0
    assert await team.outcomes() == ["sent"]
    await team.write("later")
    assert await team.outbox.deliver(now() + timedelta(minutes=2)) == 1
    assert box.messages[1]["Subject"] == "Ann commented on “Plan”"
    assert box.messages[1]["Message-ID"] != message["Message-ID"]
    assert box.messages[1]["References"].startswith("<thread.")
    assert message["References"] == f"<document.{team.document}@docs.example>"


async def test_the_link_of_a_mail_opens_what_is_shared_with_its_reader(team: Team, box: Postbox) -> None:
    add = "INSERT INTO users (email, email_verified, display_name) VALUES ($1, true, $2) RETURNING id"
    dora = await team.owner.fetchval(add, "dora@example.org", "Dora")
    add_share = "INSERT INTO shares (document_id, workspace_id, grantee_id, permission) VALUES ($1, $2, $3, 'admin')"
    async with team.db.as_user(team.people["ann"]) as conn:
        await conn.execute(add_share, team.document, team.workspace, dora)
    eve = await team.owner.fetchval(add, "eve@example.org", "Eve")
    async with team.db.as_user(eve) as conn:
        await conn.execute("SELECT app.request_access($1, 'read', NULL)", team.document)
    assert await team.outbox.deliver(now() + MINUTE * 2) >= 1
    told = {str(message["To"]): text_of(message).splitlines() for message in box.messages}
    page = f"  Open: https://docs.example/d/{team.document}"
    assert {page, f"{page}#share"} <= set(told["dora@example.org"])
    assert "  Open: https://docs.example/d/@team/the%20plan#share" in told["ann@example.org"]


async def test_a_daily_mail_comes_at_its_hour(team: Team, box: Postbox) -> None:
    await team.set("ben", digest="daily")
    other = await team.add_document("Budget")
    await team.write()
    await team.write(document=other)
    next_hour = now().replace(hour=6, minute=0, second=0, microsecond=0)
    if next_hour <= now():
        next_hour += timedelta(days=1)
    assert await team.outbox.deliver(next_hour - timedelta(seconds=1)) == 0
    assert await team.outbox.deliver(next_hour + timedelta(seconds=1)) == 1
    (message,) = box.messages
    assert message["Subject"] == "2 notifications" and message["References"] is None
    assert "“Budget”" in text_of(message) and "“Plan”" in text_of(message)


async def test_what_was_read_archived_or_muted_is_not_mailed(team: Team, box: Postbox) -> None:
    other, third = await team.add_document("Budget"), await team.add_document("Menu")
    for document in (None, other, third):
        await team.write(document=document)
    ben = team.people["ben"]
    async with team.db.as_user(ben) as conn:
        await conn.execute("UPDATE notifications SET read_at = now() WHERE document_id = $1", team.document)
        await conn.execute("UPDATE notifications SET archived_at = now() WHERE document_id = $1", other)
    await team.outbox.deliver(now())
    async with team.db.as_user(ben) as conn:
        await conn.execute("INSERT INTO subscriptions (document_id, level) VALUES ($1, 'muted')", third)
    assert await team.outbox.deliver(now() + 2 * MINUTE) == 0
    assert (box.messages, await team.outcomes()) == ([], ["empty"])


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM workspace_members WHERE user_id = $1",
        "UPDATE workspace_members SET permissions = '{\"can_read\": false}' WHERE user_id = $1",
        "UPDATE users SET is_active = false WHERE id = $1",
        "UPDATE users SET email_verified = false WHERE id = $1",
        "INSERT INTO user_settings (user_id, notifications) VALUES ($1, '{\"email\": false}')",
        "INSERT INTO user_settings (user_id, extra) VALUES ($1, '{\"notifications_enabled\": false}')",
        "UPDATE documents SET deleted_at = now() WHERE EXISTS (SELECT FROM users WHERE id = $1)",
    ],
)
async def test_nothing_is_mailed_after_rights_or_wishes_changed(team: Team, box: Postbox, change: str) -> None:
    await team.write("secret")
    await team.outbox.deliver(now())
    assert await team.outcomes() == [None]
    await team.owner.execute(change, team.people["ben"])
    assert await team.outbox.deliver(now() + 2 * MINUTE) == 0
    assert (box.messages, await team.outcomes()) == ([], ["empty"])
    # Nor is it queued anew.
    await team.write("secret")
    await team.outbox.deliver(now() + 3 * MINUTE)
    assert await team.outbox.deliver(now() + 6 * MINUTE) == 0 and box.messages == []


async def test_a_deleted_comment_is_not_mailed(team: Team, box: Postbox) -> None:
    await team.write("secret")
    await team.outbox.deliver(now())
    await team.owner.execute("UPDATE comments SET deleted_at = now()")
    assert await team.outbox.deliver(now() + 2 * MINUTE) == 0
    assert (box.messages, await team.outcomes()) == ([], ["empty"])


async def test_an_outage_of_ten_minutes_delays_a_mail_and_repeats_nothing(team: Team, box: Postbox) -> None:
    async with open_team(f"smtp://127.0.0.1:{free_port()}") as far:
        for number in range(3):
            await far.write(f"number {number}")
        start, tries = now() + MINUTE, 0
        for second in range(0, 600, 5):
            await far.outbox.deliver(start + timedelta(seconds=second))
        tries = await far.owner.fetchval("SELECT attempts FROM mail_outbox")
        assert 4 <= tries <= 8
        await far.write("during the outage")
        back = Mailer(box.url, "collab@docs.example")
        repaired = Outbox(far.db, back, far.outbox._settings, UnsubscribeTokens(SECRET))
        sent = 0
        for second in range(600, 2400, 5):
            sent += await repaired.deliver(start + timedelta(seconds=second))
        back.close()
    assert sent == 2
    first, second_mail = box.messages
    assert first["Subject"] == "3 notifications about “Plan”" and "during the outage" in text_of(second_mail)
    assert first["Message-ID"] != second_mail["Message-ID"]


async def test_a_mail_is_given_up_after_days_or_repeated_refusals(team: Team, box: Postbox) -> None:
    box.refuse.add("ben@example.org")
    await team.write()
    start = now() + MINUTE
    for hours in range(REFUSALS):
        assert await team.outbox.deliver(start + timedelta(hours=2 * hours)) == 0
    assert (await team.outcomes(), box.messages) == (["given_up"], [])
    async with open_team("smtp://127.0.0.1:1") as far:
        await far.write()
        for hours in range(2, 80, 2):
            await far.outbox.deliver(now() + timedelta(hours=hours))
        assert await far.outcomes() == ["given_up"]
        assert await far.owner.fetchval("SELECT attempts FROM mail_outbox") > REFUSALS


async def test_a_process_that_dies_before_sending_delays_a_mail_and_neither_loses_nor_repeats_it(
    team: Team, box: Postbox
) -> None:
    await team.write("before")
    start = now() + MINUTE + timedelta(seconds=1)
    await team.outbox.deliver(now())
    async with team.db.as_service() as conn:  # as far as the dying process comes
        claimed = await mail_queries.claim_mail(conn, start, LEASE, start - OLDEST)
    assert claimed is not None and claimed.attempts == 1
    await team.write("after")
    for second in range(0, int(LEASE), 30):
        assert await team.outbox.deliver(start + timedelta(seconds=second)) == 0
    assert await team.outbox.deliver(start + timedelta(seconds=LEASE + 1)) == 1
    (message,) = box.messages
    assert message["Message-ID"] == f"<notification.{claimed.id}@docs.example>"
    assert "before" in text_of(message) and "after" not in text_of(message)
    assert await team.outbox.deliver(start + timedelta(seconds=LEASE + 120)) == 1
    assert "after" in text_of(box.messages[1]) and "before" not in text_of(box.messages[1])


async def test_of_several_processes_one_sends_a_mail(team: Team, box: Postbox) -> None:
    add = "INSERT INTO subscriptions (user_id, workspace_id, level) VALUES ($1, $2, 'follow')"
    await team.owner.execute(add, team.people["cleo"], team.workspace)
    await team.write()
    await asyncio.gather(*(team.outbox.deliver(now() + 2 * MINUTE) for _ in range(6)))
    assert sorted(recipients[0] for _, recipients in box.envelopes) == ["ben@example.org", "cleo@example.org"]


async def test_old_notifications_are_not_mailed(team: Team, box: Postbox) -> None:
    await team.write()
    await team.owner.execute("UPDATE notifications SET created_at = now() - interval '3 days'")
    assert await team.outbox.deliver(now() + 2 * MINUTE) == 0
    assert (box.messages, await team.outcomes()) == ([], [])


# ---- on a running server


@pytest.fixture(scope="module")
def shared_box() -> Iterator[Postbox]:
    with postbox() as opened:
        yield opened


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory, shared_box: Postbox) -> AsyncIterator[ApiHarness]:
    settings = {"smtp_url": shared_box.url, "mail_from": "collab@example.org", "notification_delay": "0.3"}
    async with open_api(tmp_path_factory.mktemp("mails"), **settings) as running:
        yield running


def about(box: Postbox, person: Person, text: str) -> list[EmailMessage]:
    """The mails to this person with this text. There are others: everybody is told of the membership in the team."""
    return [message for message in box.to(person.email) if text in text_of(message)]


async def test_a_link_turns_mails_off_with_a_form_but_not_by_opening_it(api: ApiHarness, shared_box: Postbox) -> None:
    made = await api.make()
    for person in (api.viewer, api.admin):
        await follow(person, made)
    await api.viewer.patch("/users/me/settings", json={"notifications": {"browser": True}})
    await comment(api.editor, made, "the first")
    await until(lambda: all(about(shared_box, p, "the first") for p in (api.viewer, api.admin)), "the mails")
    message = about(shared_box, api.viewer, "the first")[0]
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = str(message["List-Unsubscribe"]).strip("<>")
    assert url.startswith(f"{api.server.http}/api/v1/notifications/unsubscribe?token=") and url in text_of(message)
    async with httpx.AsyncClient() as browser:
        page = await browser.get(url)
        assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
        await browser.head(url)
        settings = (await api.viewer.get("/users/me/settings")).json()
        assert settings["notifications"] == {"browser": True}
        action = re.search(r'<form method="post" action="([^"]+)">', page.text)
        assert action and f"{api.server.http}{action[1]}" == url
        for wrong in ("x", "", url.rpartition("=")[2][:-4] + "AAAA", "é"):
            for method in ("GET", "POST"):
                answer = await browser.request(method, url.partition("?")[0], params={"token": wrong})
                assert answer.status_code == 404, (method, wrong)
        for _ in range(2):
            assert (await browser.post(url, data={"List-Unsubscribe": "One-Click"})).status_code == 200
    settings = (await api.viewer.get("/users/me/settings")).json()
    assert settings["notifications"] == {"browser": True, "email": False}
    await comment(api.editor, made, "the second")
    await until(lambda: bool(about(shared_box, api.admin, "the second")), "the mail of somebody else")
    due = "SELECT FROM mail_outbox WHERE user_id = $1 AND finished_at IS NULL"
    assert await fetch(api.server, due, UUID(api.viewer.id)) == []
    assert about(shared_box, api.viewer, "the second") == []


async def test_a_mail_about_a_shared_document_has_an_address_that_its_reader_can_open(
    api: ApiHarness, shared_box: Postbox
) -> None:
    made = await api.make(name="the shared plan")
    await run(api.server, "UPDATE users SET email_verified = true WHERE id = $1", [(UUID(api.stranger.id),)])
    await share(api, made["id"], kind="user", user_id=api.stranger.id, permission="read")
    said = await comment(api.editor, made, "about what is shared", mentions=(api.stranger,))
    await until(lambda: bool(about(shared_box, api.stranger, "about what is shared")), "the mail")
    [message] = about(shared_box, api.stranger, "about what is shared")
    assert "editor mentioned you in “Plan”" in text_of(message)
    [address] = re.findall(rf"{re.escape(api.server.http)}/d/(\S+)#comment-{said}", text_of(message))
    found = await api.stranger.get("/documents/lookup", params={"address": unquote(address)})
    assert (found.status_code, found.json()["id"]) == (200, made["id"])


async def test_a_killed_server_sends_a_mail_once_when_it_is_back(api: ApiHarness, shared_box: Postbox) -> None:
    made = await api.make()
    await follow(api.owner, made)
    await comment(api.editor, made, "not lost")
    await api.server.kill()
    await api.server.start()

    async def is_sent() -> bool:
        query = "SELECT FROM mail_outbox WHERE user_id = $1 AND finished_at IS NULL"
        is_open = await fetch(api.server, query, UUID(api.owner.id))
        return bool(about(shared_box, api.owner, "not lost")) and not is_open

    await until(is_sent, "the mail")
    assert len(about(shared_box, api.owner, "not lost")) == 1
