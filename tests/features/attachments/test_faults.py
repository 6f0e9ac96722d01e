"""Uploads while the server is killed, the file store is cut off and PostgreSQL is killed: no row without its object, no
object without a row, and the figure of the storage is exact.

COLLAB_UPLOAD_ROUNDS: how many faults. COLLAB_UPLOAD_ANSWERS: most answers before each. COLLAB_TEST_SEED repeats the
order of a run; the seed is printed.
"""

import asyncio
import hashlib
import os
import random
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from collab_server.adapters.object_store import ObjectStore
from tests.cluster.wires import Wire
from tests.features.api_harness import ApiHarness, open_api, refused
from tests.features.attachments.attaching import attach, noise, picture, processed, upload, used
from tests.object_stores import listed
from tests.people import Person, fetch
from tests.s3_server import S3Server, credentials_of_tests
from tests.seeds import choose_seed
from tests.waiting import until

ROUNDS = int(os.environ.get("COLLAB_UPLOAD_ROUNDS", "3"))
ANSWERS = (3, int(os.environ.get("COLLAB_UPLOAD_ANSWERS", "25")))
"""After so many answers the next fault comes."""
FAULTS = ("server", "store", "database")


@pytest.fixture(scope="module")
async def bucket() -> AsyncIterator[S3Server]:
    with credentials_of_tests():
        async with S3Server() as server:
            yield server


@dataclass
class Told:
    """`kept`: checksum by idempotency key of what was answered with 201 and not deleted. `ids`: of these."""

    kept: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    answers: int = 0
    uploads: int = 0


class Crowd:
    """People who upload until they are told to stop. A request without an answer is sent again with its key."""

    def __init__(self, api: ApiHarness, document: str, dice: random.Random) -> None:
        self.api, self.document, self.dice, self.told = api, document, dice, Told()
        self.changed = asyncio.Event()
        self.refusals = 0
        self.ended = False

    async def work(self, who: Person) -> None:
        while not self.ended:
            # Some files are equal, and so share their object.
            octets = noise(self.dice.randrange(2000), seed=self.dice.randrange(40))
            key = uuid4().hex
            answer = await self.insist(lambda k=key, o=octets: upload(who, self.document, o, idempotency_key=k))
            self.told.uploads += 1
            self.told.kept[key] = hashlib.sha256(octets).hexdigest()
            self.told.ids[key] = answer.json()["id"]
            if self.dice.random() < 0.3:
                path = f"/attachments/{answer.json()['id']}"
                await self.insist(lambda p=path: who.delete(p), but={404})
                del self.told.kept[key], self.told.ids[key]

    async def insist(self, ask: object, but: frozenset[int] | set[int] = frozenset()) -> httpx.Response:
        while True:
            try:
                answer = await ask()  # type: ignore[operator]
            except httpx.TransportError:
                self.note()
                await asyncio.sleep(0.02)
                continue
            assert answer.status_code < 500 or answer.status_code == 503, answer.text
            if answer.status_code == 503:
                self.note()
                await asyncio.sleep(0.02)
                continue
            assert answer.is_success or answer.status_code in but, answer.text
            self.told.answers += 1
            self.changed.set()
            return answer  # type: ignore[no-any-return]

    def note(self) -> None:
        self.refusals += 1
        self.changed.set()

    async def until(self, holds: object) -> None:
        async with asyncio.timeout(120):
            while not holds():  # type: ignore[operator]
                self.changed.clear()
                await self.changed.wait()


async def strike(fault: str, crowd: Crowd, wire: Wire) -> None:
    """Break something, wait until somebody noticed, and mend it."""
    server, before = crowd.api.server, crowd.refusals
    if fault == "server":
        await server.kill()
        await crowd.until(lambda: crowd.refusals > before)
        await server.start()
    elif fault == "store":
        wire.tear()
        await crowd.until(lambda: crowd.refusals > before)
        wire.mend()
    else:
        os.kill(server.postgres_pid, signal.SIGKILL)
        await crowd.until(lambda: crowd.refusals > before)
    answered = crowd.told.answers
    await crowd.until(lambda: crowd.told.answers > answered)


async def test_rows_and_objects_agree_whatever_breaks(tmp_path: Path, bucket: S3Server) -> None:
    seed = choose_seed()
    dice = random.Random(seed)
    async with Wire(lambda: asyncio.open_connection("127.0.0.1", bucket.port)) as wire:
        url = bucket.url_of("faults", wire.port)
        async with open_api(tmp_path, storage_url=url) as api:
            made = await api.make()
            before = await used(api)
            crowd = Crowd(api, made["id"], dice)
            working = [asyncio.create_task(crowd.work(who)) for who in (api.editor, api.owner, api.other)]
            faults = [FAULTS[number % len(FAULTS)] for number in range(ROUNDS)]
            dice.shuffle(faults)
            for fault in faults:
                enough = crowd.told.answers + dice.randint(*ANSWERS)
                await crowd.until(lambda least=enough: crowd.told.answers >= least)
                await strike(fault, crowd, wire)
            crowd.ended = True
            await asyncio.gather(*working)
            await agrees(api, crowd.told, before, ObjectStore.open(url, Path("/nowhere")))
            print(f"{ROUNDS} faults, {crowd.told.uploads} uploads, {crowd.refusals} refusals")


async def cleaned(api: ApiHarness) -> None:
    """Clean until no note is left. The server lives on, and knows no longer which notes it has left."""

    async def is_clean() -> bool:
        await api.server.maintain()
        return not await fetch(api.server, "SELECT FROM object_deletions")

    await until(is_clean, "no note of an object is left")


async def agrees(api: ApiHarness, told: Told, before: tuple[int, int], store: ObjectStore) -> None:
    await cleaned(api)
    rows = await fetch(api.server, "SELECT * FROM attachments")
    living = {row["idempotency_key"]: row for row in rows if row["deleted_at"] is None}
    assert {key: row["checksum_sha256"].hex() for key, row in living.items()} == told.kept
    assert {key: str(row["id"]) for key, row in living.items()} == told.ids
    objects = {key: found.size for key, found in (await listed(store, "objects/")).items()}
    assert {row["s3_key"]: row["size_bytes"] for row in rows} == objects
    sizes = sum(row["size_bytes"] for row in living.values())
    assert (await used(api))[1] - before[1] == sizes
    for row in list(living.values())[:20]:
        answer = await api.viewer.get(f"/attachments/{row['id']}/content")
        assert hashlib.sha256(answer.content).digest() == row["checksum_sha256"]


async def test_a_bucket_holds_what_a_document_needs_and_nothing_after_it_is_gone(
    tmp_path: Path, bucket: S3Server
) -> None:
    url = bucket.url_of("whole")
    store = ObjectStore.open(url, Path("/nowhere"))
    async with open_api(tmp_path, storage_url=url, trash_days=0) as api:
        made = await api.make()
        one = await processed(api.editor, await attach(api.editor, made["id"], picture(), "photo.png"))
        assert one["processing_status"] == "complete", one
        small = await api.viewer.get(f"/attachments/{one['id']}/thumbnail")
        assert small.headers["content-type"] == "image/webp"
        part = await api.viewer.get(f"/attachments/{one['id']}/content", headers={"range": "bytes=1-3"})
        assert part.content == b"PNG"
        (row,) = await fetch(api.server, "SELECT s3_bucket, s3_region, s3_key FROM attachments")
        assert (row["s3_bucket"], row["s3_region"]) == (bucket.bucket, "eu-central-1")
        assert len(await listed(store)) == 4, "the picture and three thumbnails"
        assert (await api.owner.delete(f"/documents/{made['id']}")).status_code == 204
        counts = await api.server.maintain()
        assert counts["documents"] == 1
        assert await listed(store) == {}


async def test_a_store_that_refuses_is_told_and_nothing_is_left(tmp_path: Path, bucket: S3Server) -> None:
    async with (
        Wire(lambda: asyncio.open_connection("127.0.0.1", bucket.port)) as wire,
        open_api(tmp_path, storage_url=bucket.url_of("refusing", wire.port)) as api,
    ):
        made = await api.make()
        one = await attach(api.editor, made["id"], noise(1000))
        wire.tear()
        assert refused(await upload(api.editor, made["id"], noise(1001))) == (503, "storage_unavailable")
        assert refused(await api.viewer.get(f"/attachments/{one['id']}/content")) == (503, "storage_unavailable")
        wire.mend()
        assert (await api.viewer.get(f"/attachments/{one['id']}/content")).content == noise(1000)
        (row,) = await fetch(api.server, "SELECT count(*) AS n FROM attachments")
        assert row["n"] == 1
