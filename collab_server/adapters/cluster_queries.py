"""SQL by which the servers on one database know of each other: each holds a shared advisory lock while it lives.

The lock's first number says that it is ours, the second whether its holder has a bus. It goes with its connection, so
that nobody is counted who has died.
"""

from dataclasses import dataclass

from collab_server.adapters.postgres import Conn

_OURS = 0x636F6C6C
"""\"coll\": the first number of our locks."""
_WITHOUT_BUS, _WITH_BUS = 0, 1


@dataclass(frozen=True, slots=True)
class Servers:
    """Processes that serve this database now."""

    with_bus: int
    without_bus: int

    @property
    def deaf(self) -> bool:
        """Whether some do not hear the edits of others."""
        return self.without_bus > 0 and self.with_bus + self.without_bus > 1


async def take_place(conn: Conn, *, has_bus: bool) -> None:
    """Be counted for as long as the connection lives, which PostgreSQL finds out within half a minute."""
    await conn.execute(
        """
        SELECT set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
          set_config('tcp_keepalives_count', '3', false)
        """
    )
    await conn.execute("SELECT pg_advisory_lock_shared($1, $2)", _OURS, _WITH_BUS if has_bus else _WITHOUT_BUS)


async def count_servers(conn: Conn) -> Servers:
    """Those of this database, the asking one among them."""
    row = await conn.fetchrow(
        """
        SELECT count(*) FILTER (WHERE objid = $1) AS with_bus, count(*) FILTER (WHERE objid = $2) AS without_bus
        FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND objsubid = 2
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND classid = $3
        """,
        _WITH_BUS,
        _WITHOUT_BUS,
        _OURS,
    )
    assert row is not None
    return Servers(row["with_bus"], row["without_bus"])
