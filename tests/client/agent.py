"""A client to be killed. Forks one for each line that it reads: starting Python anew each time would take most of the
test. A child says what it does, a word and a number a line: `child` and its process id, `began` and `acked` for an
edit, `synced`.
"""

import asyncio
import os
import sys
from pathlib import Path
from uuid import UUID

from collab_server.client.offline import OfflineClient
from collab_server.client.outbox import TemporarilyRefused
from collab_server.client.wire import ServerUnavailable

_RENAMES_EVERY = 7
COMMENTS_EVERY = 3
_BURST = 10
"""Edits until a sync has to end: they leave it little of the machine."""


def say(word: str, number: int) -> None:
    os.write(1, f"{word} {number}\n".encode())


async def work(path: Path, document: UUID, first: int) -> None:
    async with OfflineClient(path) as client:
        synced = asyncio.Event()

        async def edit() -> None:
            number = first
            while True:
                say("began", number)
                await client.append(document, f"<{number}>\n")
                if number % _RENAMES_EVERY == 0:
                    await client.rename(document, f"title {number}")
                if number % COMMENTS_EVERY == 0:
                    said = await client.comment(document, f"({number})")
                    await client.react(said, "👍")
                    await client.edit_comment(said, f"({number}) edited")
                say("acked", number)
                number += 1
                if number % _BURST == 0:
                    synced.clear()
                    await synced.wait()

        async def sync() -> None:
            while True:
                try:
                    report = await client.sync()
                    say("synced", report.pushed)
                    synced.set()
                except (ServerUnavailable, TemporarilyRefused):
                    await asyncio.sleep(0.01)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(edit())
            tasks.create_task(sync())


def main() -> None:
    path, document = Path(sys.argv[1]), UUID(sys.argv[2])
    for line in sys.stdin:
        child = os.fork()
        if not child:
            say("child", os.getpid())
            asyncio.run(work(path, document, int(line)))
            os._exit(0)
        os.waitpid(child, 0)
        say("dead", child)


if __name__ == "__main__":
    main()
