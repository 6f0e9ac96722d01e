"""A library at size: workspaces of uneven size, documents with realistic texts, tags, members. The same every time."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from uuid import UUID

import asyncpg

from collab_server.security import tokens

SEED = 20260105
WORKSPACES = 100
WORDS = 20_000
PARAGRAPHS = 4_000
RARE = "quokka"
"""In one document of a hundred, of which each has another spelling besides."""
COMMON = "project"
"""In nearly every document."""
PHRASE = ("project", "plan")
TAGS = ("urgent", "draft", "research", "finance", "planning", "archive", "customer", "design", "legal", "meeting")
_FREQUENT = """
the of and to in is it for that on with as be this are by from at or not we an have you can will our all has was
project plan team report meeting customer design budget release review question answer document change decision
""".split()  # noqa: SIM905
_SYLLABLES = [consonant + vowel for consonant in "bdfklmnprstvz" for vowel in "aeiou"]
_HAN = "数据库设计会议报告项目计划预算团队客户问题回答文件变更决定研究财务法律"


@dataclass(frozen=True, slots=True)
class Library:
    """`total`: of documents. `token`: of a member of every workspace. `largest`, `median`: workspaces. `documents` and
    `names`: of some in the largest.
    """

    total: int
    token: str
    largest: UUID
    largest_size: int
    median: UUID
    median_size: int
    documents: list[UUID]
    names: list[str]


class _Texts:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        made = {"".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4))) for _ in range(2 * WORDS)}
        words = _FREQUENT + sorted(made)[:WORDS]
        weights = list(accumulate(1 / (rank + 3) for rank in range(len(words))))
        self._words = words
        self._weights = weights
        self._paragraphs = [self._paragraph() for _ in range(PARAGRAPHS)]

    def some(self, count: int) -> list[str]:
        return self._chance.choices(self._words, cum_weights=self._weights, k=count)

    def _paragraph(self) -> str:
        words = self.some(self._chance.randint(60, 140))
        if self._chance.random() < 0.05:
            words.insert(10, "".join(self._chance.choices(_HAN, k=30)))
        if self._chance.random() < 0.02:
            words[20:20] = PHRASE
        return " ".join(words).capitalize() + "."

    def title(self) -> str:
        title = " ".join(self._chance.choices(self._words[len(_FREQUENT) :], k=2) + self.some(2)).title()
        return title + ("".join(self._chance.choices(_HAN, k=4)) if self._chance.random() < 0.1 else "")

    def text(self, number: int) -> str:
        body = "\n\n".join(self._chance.choices(self._paragraphs, k=self._chance.randint(4, 9)))
        rare = f"\n\nA {RARE} and a {RARE}{number}." if number % 100 == 0 else ""
        return f"# {self.title()}\n\n{body}{rare}\n"


def sizes(documents: int) -> list[int]:
    """Of each workspace, the largest first: it has more than half of all documents."""
    shares = [1 / (rank + 1) ** 1.85 for rank in range(WORKSPACES)]
    found = [max(1, int(documents * share / sum(shares))) for share in shares]
    found[0] += documents - sum(found)
    return found


async def fill(dsn: str, documents: int, seed: int = SEED) -> Library:
    """Fills a migrated database that is empty; a superuser's DSN. Takes minutes: the texts are indexed for search."""
    chance = random.Random(seed)  # noqa: S311
    conn = await asyncpg.connect(dsn)
    try:
        users = [UUID(int=chance.getrandbits(128), version=4) for _ in range(200)]
        await conn.copy_records_to_table(
            "users",
            records=[(user, f"user{i}@bench.example", f"User {i}") for i, user in enumerate(users)],
            columns=["id", "email", "display_name"],
        )
        workspaces = [
            await conn.fetchval(
                "INSERT INTO workspaces (owner_id, name, kind, member_limit) VALUES ($1, $2, 'team', 100) RETURNING id",
                users[i % 20 + 1],
                f"Workspace {i}",
            )
            for i in range(WORKSPACES)
        ]
        members = {(workspace, users[0]) for workspace in workspaces}
        members |= {(workspaces[i], user) for i in range(WORKSPACES) for user in chance.sample(users[21:], 20)}
        await conn.copy_records_to_table(
            "workspace_members",
            records=[(workspace, user, "editor") for workspace, user in sorted(members)],
            columns=["workspace_id", "user_id", "role"],
        )
        tags = {
            workspace: [(UUID(int=chance.getrandbits(128), version=4), name) for name in TAGS]
            for workspace in workspaces
        }
        await conn.copy_records_to_table(
            "tags",
            records=[(tag, workspace, name, name) for workspace, own in tags.items() for tag, name in own],
            columns=["id", "workspace_id", "name", "slug"],
        )
        largest = await _documents(conn, chance, documents, workspaces, users)
        await _tagged(conn, chance, tags)
        while await conn.fetchval("SELECT app.refresh_search(200)"):
            pass
        await conn.execute("VACUUM (ANALYZE)")
        token = tokens.API_TOKEN_PREFIX + "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=40))
        await conn.execute(
            "INSERT INTO access_tokens (user_id, name, token_hash, scopes) VALUES ($1, 'bench', $2, '{write}')",
            users[0],
            tokens.token_hash(token),
        )
    finally:
        await conn.close()
    counts = sizes(documents)
    middle = WORKSPACES // 2
    ids, names = [one for one, _ in largest], [name for _, name in largest]
    return Library(documents, token, workspaces[0], counts[0], workspaces[middle], counts[middle], ids, names)


async def _documents(
    conn: "asyncpg.Connection[asyncpg.Record]",
    chance: random.Random,
    documents: int,
    workspaces: list[UUID],
    users: list[UUID],
) -> list[tuple[UUID, str]]:
    """-> (id, name) of some in the largest workspace."""
    texts = _Texts(chance)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    places = [workspaces[i] for i, size in enumerate(sizes(documents)) for _ in range(size)]
    chance.shuffle(places)
    some: list[tuple[UUID, str]] = []

    def rows() -> Iterator[tuple[object, ...]]:
        for number, workspace in enumerate(places):
            document = UUID(int=chance.getrandbits(128), version=4)
            if workspace == workspaces[0] and len(some) < 500:
                some.append((document, f"doc-{number}"))
            made = start + timedelta(minutes=number)
            changed = made + timedelta(seconds=chance.randint(0, 10_000_000))
            yield (
                document,
                workspace,
                f"doc-{number}",
                texts.title(),
                chance.choices(("markdown", "note", "task", "mindmap"), (80, 10, 8, 2))[0],
                chance.choices(("draft", "active", "published", "archived"), (50, 30, 15, 5))[0],
                chance.choices(("low", "normal", "high"), (10, 80, 10))[0],
                texts.text(number),
                chance.choice(users),
                made,
                changed,
            )

    columns = ["id", "workspace_id", "name", "title", "type", "status", "priority", "content", "created_by"]
    columns += ["created_at", "updated_at"]
    await conn.copy_records_to_table("documents", records=rows(), columns=columns)
    return some


async def _tagged(
    conn: "asyncpg.Connection[asyncpg.Record]", chance: random.Random, tags: dict[UUID, list[tuple[UUID, str]]]
) -> None:
    """Up to three tags on half of the documents."""
    rows = await conn.fetch(
        "SELECT id, workspace_id FROM documents WHERE workspace_id = ANY ($1) ORDER BY name", [*tags]
    )
    records = [
        (row["id"], tag, row["workspace_id"])
        for row in rows
        if chance.random() < 0.5
        for tag, _ in chance.sample(tags[row["workspace_id"]], chance.randint(1, 3))
    ]
    # As they were there from the start: tagging is a change, and every document would have been changed last just now.
    await conn.execute("SET session_replication_role = replica")
    await conn.copy_records_to_table(
        "document_tags", records=records, columns=["document_id", "tag_id", "workspace_id"]
    )
    await conn.execute("SET session_replication_role = origin")
