"""SQL of attempts to sign in and of places from where people signed in before. Under app_service."""

from uuid import UUID

from collab_server.adapters.postgres import Conn


async def count_attempt(conn: Conn, key: bytes, free: int, longest: int, memory: int) -> int | None:
    """Count one attempt and return None, or return the seconds to wait without counting. After `free` attempts each one
    needs a pause of 1, 2, 4... seconds, at most `longest`. `memory`: seconds without attempts until the counter is
    reset.
    """
    counted = await conn.fetchval(
        """
        INSERT INTO sign_in_attempts AS a (key) VALUES ($1)
        ON CONFLICT (key) DO UPDATE SET last_at = now(),
          attempts = CASE WHEN a.last_at < now() - make_interval(secs => $4) THEN 1 ELSE a.attempts + 1 END,
          blocked_until = CASE
            WHEN a.last_at < now() - make_interval(secs => $4) OR a.attempts + 1 < $2 THEN '-infinity'
            ELSE now() + make_interval(secs => least($3, 2 ^ least(a.attempts + 1 - $2, 30))) END
        WHERE a.blocked_until <= now()
        RETURNING attempts
        """,
        key,
        free,
        longest,
        memory,
    )
    if counted is not None:
        return None
    wait: int | None = await conn.fetchval(
        "SELECT ceil(extract(epoch FROM blocked_until - now()))::integer FROM sign_in_attempts WHERE key = $1", key
    )
    return max(1, wait or 1)


async def delete_attempts(conn: Conn, key: bytes) -> None:
    await conn.execute("DELETE FROM sign_in_attempts WHERE key = $1", key)


async def give_back_attempt(conn: Conn, key: bytes) -> None:
    await conn.execute("UPDATE sign_in_attempts SET attempts = greatest(attempts - 1, 0) WHERE key = $1", key)


# ---- known places


async def is_known_place(conn: Conn, key: bytes) -> bool:
    found: bool = await conn.fetchval("SELECT EXISTS (SELECT FROM known_places WHERE key = $1)", key)
    return found


async def upsert_known_place(conn: Conn, key: bytes, user_id: UUID) -> None:
    """Store the place as known for this user."""
    await conn.execute(
        "INSERT INTO known_places (key, user_id) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE "
        "SET user_id = excluded.user_id, last_at = now()",
        key,
        user_id,
    )


async def delete_outdated(conn: Conn, session_days: int) -> None:
    """Delete outdated rows: sessions after so many days, expired links, attempts older than two days, activity older
    than 400 days, places unused for 200 days. Expired sessions lose their secrets at once.
    """
    await conn.execute("DELETE FROM sessions WHERE expires_at < now() - make_interval(days => $1)", session_days)
    await conn.execute(
        "UPDATE sessions SET provider_tokens = NULL WHERE expires_at < now() AND provider_tokens IS NOT NULL"
    )
    await conn.execute("DELETE FROM sign_in_links WHERE expires_at < now()")
    await conn.execute("DELETE FROM sign_in_attempts WHERE last_at < now() - interval '2 days'")
    await conn.execute("DELETE FROM user_activity_days WHERE day < current_date - 400")
    await conn.execute("DELETE FROM known_places WHERE last_at < now() - interval '200 days'")
