"""The programs that README and the page "Connect an editor" show are run as they are written there."""

import asyncio
import re
from pathlib import Path

from tests.require import ROOT
from tests.server import Server

PAGES = ("README.md", "docs/start/connect.md")
SECONDS = 30.0


def _snippets(page: str) -> list[str]:
    return re.findall(r"```js\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def _program(snippets: list[str], host: str) -> str:
    """A program that runs both snippets, edits in the first document and waits for the text in the second one."""
    lines = [line for snippet in snippets for line in snippet.splitlines()]
    imports = dict.fromkeys(line for line in lines if line.startswith("import "))
    bodies = [
        "\n".join(line for line in snippet.splitlines() if not line.startswith("import ")) for snippet in snippets
    ]
    makers = [
        f"const made{n} = (() => {{\n{body}\nreturn {{ provider, yjs: {name} }}\n}})()"
        for n, (body, name) in enumerate(zip(bodies, ("doc", "document"), strict=True))
    ]
    # Node 20 has no WebSocket of its own.
    start = ["import WebSocket from 'ws'", *imports, "globalThis.WebSocket = WebSocket"]
    end = [
        "made0.yjs.getText('content').insert(0, 'written in the first editor')",
        "await new Promise((resolve) => {",
        "  const look = () => made1.yjs.getText('content').length && resolve()",
        "  made1.yjs.on('update', look)",
        "  look()",
        "})",
        "console.log(made1.yjs.getText('content').toString())",
        "process.exit(0)",
    ]
    return "\n".join([*start, *makers, *end]).replace("127.0.0.1:8000", host)


async def test_the_editors_that_the_pages_connect_share_a_document(server: Server) -> None:
    read, connect = map(_snippets, PAGES)
    assert len(read) == 2
    assert read == connect
    process = await asyncio.create_subprocess_exec(
        "node",
        "--input-type=module",
        "--eval",
        _program(read, server.http.removeprefix("http://")),
        cwd=Path(__file__).parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
    assert output.decode().strip() == "written in the first editor", errors.decode()
