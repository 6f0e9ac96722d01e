"""The Node packages of this folder, the page that is made of them, and the oracle."""

import json
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.require import needs

FOLDER = Path(__file__).resolve().parent


def install() -> None:
    """Have the packages of the lock file installed; skips the test without Node."""
    needs("node")
    lock, stamp = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".installed-lock.json"
    if stamp.is_file() and stamp.read_bytes() == lock.read_bytes():
        return
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=FOLDER, check=True)
    shutil.copyfile(lock, stamp)


def page() -> str:
    """An HTML page with the editor in it."""
    install()
    command = ["node_modules/.bin/esbuild", "page.js", "--bundle", "--format=iife", "--define:process.env.NODE_ENV='x'"]
    made = subprocess.run(command, cwd=FOLDER, check=True, capture_output=True, text=True).stdout
    script = made.replace("</script", "<\\/script")
    return f"<!doctype html><meta charset=utf-8><title>Tiptap</title><main></main><script>{script}</script>"


class Oracle:
    """What Tiptap's binding makes of a document, and of ProseMirror's JSON; see oracle.mjs."""

    def __init__(self) -> None:
        install()
        self._process = subprocess.Popen(
            ["node", "oracle.mjs"], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.communicate()

    def _ask(self, **question: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def write(self, tree: dict[str, Any]) -> bytes:
        """A document of this tree as the binding writes it, under the root `default`."""
        return bytes.fromhex(self._ask(write=tree)["update"])

    def read(self, update: bytes) -> dict[str, Any]:
        """The tree that the editor shows. Fails where that is not all of the document, or does not fit the schema."""
        answer = self._ask(read=update.hex())
        assert "error" not in answer, answer
        assert answer["deleted"] == 0, "the editor threw something away"
        tree: dict[str, Any] = answer["json"]
        return tree
