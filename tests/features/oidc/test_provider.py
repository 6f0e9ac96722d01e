"""The provider to try by hand: it starts as its page says, asks with a form, and the whole way works in one go."""

import asyncio
import re
import sys
from pathlib import Path

import httpx

from tests.oidc_provider import CLIENT_ID, CLIENT_SECRET
from tests.require import ROOT
from tests.server import Server, free_port


async def test_it_starts_from_the_command_line_and_signs_in_by_form(tmp_path: Path) -> None:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.oidc_provider", "--port", str(port), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = (await process.stdout.readline()).decode()
        issuer = line.split(": ")[0]
        assert issuer == f"http://127.0.0.1:{port}"
        settings = {"oidc_issuer": issuer, "oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET}
        async with Server(tmp_path, **settings) as server, httpx.AsyncClient(follow_redirects=True) as client:
            form = await client.get(f"{server.api}/auth/oidc/login", params={"next": "/api-is-no-page"})
            assert "Who are you?" in form.text
            hidden = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form.text.split("<p>")[0]))
            fields = {name: value.replace("&amp;", "&") for name, value in hidden.items()}
            ended = await client.get(f"{issuer}/authorize", params={**fields, "person": "cleo"})
            assert ended.url == f"{server.http}/api-is-no-page"
            assert (await client.get(f"{server.api}/auth/me")).json()["name"] == "Cleo"
    finally:
        process.terminate()
        assert await process.wait() in (0, -15)
