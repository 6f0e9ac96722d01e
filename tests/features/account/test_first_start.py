"""The first administrator, users on the command line, and the cookie behind TLS."""

import asyncio
import re
from pathlib import Path

import httpx

from tests.features.auth.visitor import PASSWORD, Visitor, code, create_user
from tests.server import Server


async def way_in(server: Server) -> str:
    """The token of the link that the server prints after its first line."""
    assert server.process.stdout is not None
    async with asyncio.timeout(30):
        line = (await server.process.stdout.readline()).decode()
    found = re.search(rf"{re.escape(server.http)}/signin#link=(\S+)$", line.strip())
    assert found, line
    return found[1]


async def test_a_server_without_an_administrator_shows_the_way_in_until_one_came(tmp_path: Path) -> None:
    server = Server(tmp_path)
    async with server:
        first = await way_in(server)
        await server.terminate()
        await server.start()
        second = await way_in(server)
        assert first != second
        async with Visitor(server) as root, Visitor(server) as late:
            entered = await root.enter("/auth/link", {"token": second})
            assert entered.json()["user"]["email"] == "admin@localhost"
            me = (await root.ask("GET", "/auth/me")).json()
            assert (me["role"], me["is_admin"], me["has_password"]) == ("admin", True, False)
            assert (await root.ask("GET", "/users")).status_code == 200
            assert code(await late.enter("/auth/link", {"token": second})) == (401, "invalid_credentials")
        await server.terminate()
        await server.start()
        assert server.process.stdout is not None
        await server.terminate()
        assert await server.process.stdout.read() == b""


async def test_an_administrator_with_a_password_needs_no_link_and_one_without_gets_it(tmp_path: Path) -> None:
    server = Server(tmp_path, admin_email="nobody-asked@example.com")
    await server.command("user", "create", "root@example.com", "--admin")
    async with server, Visitor(server) as root:
        entered = await root.enter("/auth/link", {"token": await way_in(server)})
        assert entered.json()["user"]["email"] == "root@example.com"
        assert "nobody-asked" not in await server.command("user", "list")


async def test_users_are_made_listed_and_given_a_link_on_the_command_line(tmp_path: Path) -> None:
    server = Server(tmp_path)
    await create_user(server, "root@example.com", "--admin", "--name", "Root")
    assert "root@example.com  Root  admin  active" in await server.command("user", "list")
    async with server, Visitor(server) as root:
        assert (await root.sign_in("root@example.com"))["user"]["role"] == "admin"
        assert server.process.stdout is not None
        for arguments, given in (
            (("user", "create", "a@example.com", "--password-stdin"), "short"),
            (("user", "create", "a@example.com", "--password-stdin"), "A@example.com"),
            (("user", "link", "nobody@example.com"), None),
            (("user", "deactivate", "root@example.com"), None),
            (("user", "delete", "root@example.com", "--yes"), None),
            (("user", "delete", "system@collab.invalid", "--yes"), None),
        ):
            try:
                await server.command(*arguments, given=given)
            except AssertionError as failure:
                assert str(failure).startswith("collab-server: "), arguments
                assert len(str(failure).strip().splitlines()) == 1
            else:
                raise AssertionError(f"{arguments} went through")
        assert "a@example.com" not in await server.command("user", "list")


async def test_behind_tls_the_cookie_is_secure_and_bound_to_the_host(tmp_path: Path) -> None:
    public = "https://docs.example"
    async with Server(tmp_path, public_url=f"{public}/") as server:
        await create_user(server, "ann@example.com")
        link = await server.command("user", "link", "ann@example.com")
        assert link.startswith(f"{public}/signin#link=")
        async with httpx.AsyncClient(base_url=server.api) as proxy:
            body = {"email": "ann@example.com", "password": PASSWORD}
            answer = await proxy.post("/auth/login", json=body, headers={"origin": public})
            name, _, rest = answer.headers["set-cookie"].partition("=")
            assert name == "__Host-collab_session"
            attributes = {part.strip().lower() for part in rest.split(";")[1:]}
            assert {"secure", "httponly", "path=/", "samesite=lax"} <= attributes
            token, csrf = rest.partition(";")[0], answer.json()["csrf_token"]
            sent = {"origin": public, "x-csrf-token": csrf}
            for cookie, status in ((f"__Host-collab_session={token}", 200), (f"collab_session={token}", 403)):
                changed = await proxy.patch("/users/me", json={"bio": "x"}, headers={**sent, "cookie": cookie})
                assert changed.status_code == status, cookie
