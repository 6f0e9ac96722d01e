"""SQL of one's own account and settings (under row-level security) and of administration."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from collab_server.adapters.postgres import Conn
from collab_server.features.account.settings_models import NAMED_SETTINGS
from collab_server.features.users.queries import SELECT_USER, User

# ---- one's own


async def update_own_account(conn: Conn, patch: str) -> None:
    """`patch`: JSON object with the columns to set; null clears. Raises UniqueViolation where the username is taken."""
    await conn.execute(
        """
        UPDATE users SET
          username = CASE WHEN $1::jsonb ? 'username' THEN $1::jsonb ->> 'username' ELSE username END,
          display_name = CASE WHEN $1::jsonb ? 'display_name' THEN $1::jsonb ->> 'display_name' ELSE display_name END,
          avatar_url = CASE WHEN $1::jsonb ? 'avatar_url' THEN $1::jsonb ->> 'avatar_url' ELSE avatar_url END,
          bio = CASE WHEN $1::jsonb ? 'bio' THEN $1::jsonb ->> 'bio' ELSE bio END
        WHERE id = app.user_id()
        """,
        patch,
    )


@dataclass(frozen=True, slots=True)
class SettingsRow:
    """The objects are JSON."""

    theme: str
    language: str
    editor: str
    render: str
    notifications: str
    extra: str


async def find_settings(conn: Conn) -> SettingsRow | None:
    row = await conn.fetchrow(
        "SELECT theme, language, editor, render, notifications, extra FROM user_settings WHERE user_id = app.user_id()"
    )
    return SettingsRow(*row) if row else None


async def upsert_settings(conn: Conn, patch: str, kept: dict[str, object]) -> SettingsRow:
    """`patch`: JSON object with the columns to set. `kept`: values of NAMED_SETTINGS to set in `extra`."""
    row = await conn.fetchrow(
        """
        INSERT INTO user_settings AS s (user_id, theme, language, editor, render, notifications, extra)
        VALUES (app.user_id(), coalesce($1::jsonb ->> 'theme', 'system'), coalesce($1::jsonb ->> 'language', 'en'),
                coalesce($1::jsonb -> 'editor', '{}'), coalesce($1::jsonb -> 'render', '{}'),
                coalesce($1::jsonb -> 'notifications', '{}'), coalesce($1::jsonb -> 'extra', '{}') || $2::text::jsonb)
        ON CONFLICT (user_id) DO UPDATE SET
          theme = coalesce($1::jsonb ->> 'theme', s.theme), language = coalesce($1::jsonb ->> 'language', s.language),
          editor = coalesce($1::jsonb -> 'editor', s.editor), render = coalesce($1::jsonb -> 'render', s.render),
          notifications = coalesce($1::jsonb -> 'notifications', s.notifications),
          extra = coalesce($1::jsonb -> 'extra', s.extra) || $2::text::jsonb
            || coalesce((SELECT jsonb_object_agg(k, s.extra -> k) FROM unnest($3::text[]) k
                         WHERE s.extra ? k AND NOT $2::text::jsonb ? k), '{}')
        RETURNING theme, language, editor, render, notifications, extra
        """,
        patch,
        json.dumps(kept),
        list(NAMED_SETTINGS),
    )
    assert row is not None
    return SettingsRow(*row)


# ---- administrators' (under app_service)


async def list_page(conn: Conn, search: str, limit: int, after: tuple[datetime, UUID] | None) -> list[User]:
    """The newest first. `search`: part of an e-mail address or a name; empty: all."""
    rows = await conn.fetch(
        SELECT_USER
        + """
        AND ($1 = '' OR strpos(lower(u.email), lower($1)) > 0 OR strpos(lower(u.display_name), lower($1)) > 0
             OR strpos(lower(u.username), lower($1)) > 0)
        AND ($3::timestamptz IS NULL OR (u.created_at, u.id) < ($3, $4))
        ORDER BY u.created_at DESC, u.id DESC LIMIT $2
        """,
        search,
        limit,
        *(after or (None, None)),
    )
    return [User(*row) for row in rows]


async def lock_user(conn: Conn, user_id: UUID) -> User | None:
    """Return the user, locked until the transaction ends."""
    row = await conn.fetchrow(SELECT_USER + "AND u.id = $1 FOR UPDATE OF u", user_id)
    return User(*row) if row else None


async def count_other_administrators(conn: Conn, user_id: UUID) -> int:
    """Active ones. Sure to stay so after queries.lock_administrators."""
    found: int = await conn.fetchval(
        "SELECT count(*) FROM users WHERE role = 'admin' AND is_active AND deleted_at IS NULL AND id <> $1", user_id
    )
    return found


async def update_display_name(conn: Conn, user_id: UUID, name: str | None) -> None:
    await conn.execute("UPDATE users SET display_name = $2 WHERE id = $1", user_id, name)


async def merge_features(conn: Conn, user_id: UUID, changed: str) -> None:
    """`changed`: JSON object; null removes a flag."""
    await conn.execute(
        "UPDATE users SET features = jsonb_strip_nulls(features || $2::jsonb) WHERE id = $1", user_id, changed
    )


# ---- deletion (under app_service)


@dataclass(frozen=True, slots=True)
class Owned:
    id: UUID
    kind: str


async def lock_owned_workspaces(conn: Conn, user_id: UUID) -> list[Owned]:
    rows = await conn.fetch(
        "SELECT id, kind FROM workspaces WHERE owner_id = $1 AND deleted_at IS NULL ORDER BY id FOR UPDATE", user_id
    )
    return [Owned(*row) for row in rows]


async def find_heir(conn: Conn, workspace_id: UUID, owner_id: UUID) -> UUID | None:
    """Find the active member with the highest role, and among equals the earliest member."""
    found: UUID | None = await conn.fetchval(
        """
        SELECT m.user_id FROM workspace_members m JOIN users u ON u.id = m.user_id
        WHERE m.workspace_id = $1 AND m.user_id <> $2 AND m.is_active AND u.is_active AND u.deleted_at IS NULL
        ORDER BY m.role, m.joined_at, m.user_id LIMIT 1 FOR UPDATE OF m, u
        """,
        workspace_id,
        owner_id,
    )
    return found


async def update_owner(conn: Conn, workspace_id: UUID, owner_id: UUID) -> None:
    await conn.execute("UPDATE workspaces SET owner_id = $2 WHERE id = $1", workspace_id, owner_id)
    await conn.execute(
        "UPDATE workspace_members SET role = 'owner', permissions = '{}' WHERE workspace_id = $1 AND user_id = $2",
        workspace_id,
        owner_id,
    )


async def delete_workspace(conn: Conn, workspace_id: UUID) -> None:
    """Softly, as by its owner."""
    await conn.execute("UPDATE workspaces SET deleted_at = now() WHERE id = $1", workspace_id)


async def delete_memberships(conn: Conn, user_id: UUID) -> None:
    """Delete all memberships except in workspaces of the user. These workspaces are deleted and keep their owner."""
    await conn.execute(
        """
        DELETE FROM workspace_members m WHERE m.user_id = $1
          AND NOT EXISTS (SELECT FROM workspaces w WHERE w.id = m.workspace_id AND w.owner_id = $1)
        """,
        user_id,
    )


async def delete_ways_in(conn: Conn, user_id: UUID) -> None:
    """Sessions, links, and the places from where the account may be guessed at freely."""
    await conn.execute("DELETE FROM sessions WHERE user_id = $1", user_id)
    await conn.execute("DELETE FROM known_places WHERE user_id = $1", user_id)
    await conn.execute("DELETE FROM sign_in_links WHERE user_id = $1", user_id)


async def delete_identities(conn: Conn, user_id: UUID) -> None:
    """Connections to sign-in providers."""
    await conn.execute("DELETE FROM user_identities WHERE user_id = $1", user_id)


async def erase_user(conn: Conn, user_id: UUID) -> None:
    """Delete softly: erase personal data. The row stays as the author of texts in shared workspaces."""
    # Once before the rows of tokens and invitations are deleted, and once for entries of the deletion itself.
    await conn.execute("SELECT app.erase_activity($1)", user_id)
    await conn.execute("SELECT app.erase_comments($1)", user_id)
    for table in (
        "access_tokens",
        "user_credentials",
        "user_identities",
        "user_settings",
        "devices",
        "user_activity_days",
        "document_favourites",
        "document_views",
    ):
        await conn.execute(f"DELETE FROM {table} WHERE user_id = $1", user_id)  # noqa: S608
    await conn.execute("SELECT app.erase_notifications($1)", user_id)
    # Its purge will be in the audit, by its name.
    await conn.execute(
        "UPDATE workspaces SET name = 'Deleted user', slug = NULL WHERE owner_id = $1 AND kind = 'personal'", user_id
    )
    await conn.execute(
        """
        UPDATE users SET email = 'deleted-' || id || '@collab.invalid', email_verified = false, username = NULL,
          display_name = 'Deleted user', first_name = NULL, last_name = NULL, avatar_url = NULL, bio = NULL,
          features = '{}', metadata = '{}', role = 'user', is_active = false, last_login_at = NULL, deleted_at = now()
        WHERE id = $1
        """,
        user_id,
    )
    await conn.execute("SELECT app.erase_activity($1)", user_id)
