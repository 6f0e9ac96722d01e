"""The examples in deploy/: nginx carries real clients, compose's cluster fits them, and every metric that is named
exists.
"""

import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from collab_server.settings import Settings
from tests.cluster.conftest import cluster
from tests.peers import Peer
from tests.require import ROOT, needs
from tests.server import Server, free_port
from tests.waiting import until

DEPLOY = ROOT / "deploy"
NGINX = (DEPLOY / "nginx" / "nginx.conf").read_text()
CADDY = (DEPLOY / "caddy" / "Caddyfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
NODES = {"server", "server-2"}


class Nginx:
    """The example in front of these nodes."""

    def __init__(self, directory: Path, nodes: list[str]) -> None:
        self.port = free_port()
        self.http = f"http://127.0.0.1:{self.port}"
        self.ws = f"ws://127.0.0.1:{self.port}/ws"
        self.hocuspocus = f"ws://127.0.0.1:{self.port}/hocuspocus"
        text = NGINX.replace("listen 8080;", f"listen 127.0.0.1:{self.port};").replace("/tmp/", f"{directory}/")
        for name, node in zip(("server:8000", "server-2:8000"), nodes, strict=True):
            assert f"server {name} " in text
            text = text.replace(f"server {name} ", f"server {node} ")
        path = directory / "nginx.conf"
        path.write_text(f"daemon off;\n{text}")
        self._command = [str(shutil.which("nginx")), "-c", str(path), "-p", str(directory)]

    def check(self) -> None:
        subprocess.run([*self._command, "-t"], check=True, capture_output=True)

    def start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(self._command)


async def test_nginx_carries_both_protocols_and_survives_the_end_of_a_node(tmp_path: Path) -> None:
    needs("nginx")
    async with cluster(tmp_path, 2) as running:
        nginx = Nginx(tmp_path, [server.host for server in running.servers])
        nginx.check()
        process = nginx.start()
        try:
            async with httpx.AsyncClient(base_url=nginx.http) as client:
                await until(lambda: _answers(client), "nginx to answer")
                assert (await client.get("/metrics")).status_code == 404
            peers = [await Peer(nginx, "yws", "proxied").sync() for _ in range(3)]
            held = [await value(server, "collab_sockets_open") for server in running.servers]
            assert sorted(held) == [0, 3], "clients of one document meet on one node"
            peers += [await Peer(nginx, "hocus", "proxied").sync() for _ in range(2)]
            marks = [peer.type_mark() for peer in peers]
            for peer in peers:
                await peer.sees(*marks)
                await peer.saved()
            assert await running.servers[0].terminate() == 0
            for peer in peers:
                if not peer.connected:
                    assert peer.socket is not None and peer.socket.ended is not None
                    assert peer.socket.ended.code == 1012
                    await peer.sync()
                await peer.sees(*marks)
            last = peers[0].type_mark()
            for peer in peers:
                await peer.sees(last)
                await peer.close()
        finally:
            process.terminate()
            process.wait()


async def _answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/health/ready")).status_code == 200
    except httpx.TransportError:
        return False


async def value(server: Server, name: str) -> float:
    async with httpx.AsyncClient(base_url=server.http) as client:
        text = (await client.get("/metrics")).text
    return float(text.partition(f"\n{name} ")[2].split()[0])


def test_both_proxies_name_the_nodes_that_compose_runs() -> None:
    for text, pattern in ((NGINX, r"^\s*server ([\w-]+):8000 "), (CADDY, r"([\w-]+):8000")):
        assert set(re.findall(pattern, text, re.MULTILINE)) == NODES
    proxy = SERVICES["proxy"]
    assert proxy["profiles"] == SERVICES["server-2"]["profiles"] == ["cluster"]
    assert proxy["depends_on"].keys() == NODES
    assert "./deploy/nginx/nginx.conf:/etc/nginx/nginx.conf:ro" in proxy["volumes"]
    for name in NODES:
        environment = SERVICES[name]["environment"]
        assert environment["COLLAB_REDIS_URL"], "several nodes hear each other over Redis"
        assert environment == SERVICES["server"]["environment"]


def test_the_nodes_believe_the_proxy_and_not_the_whole_network() -> None:
    """Connections to a published port come from the gateway of the network."""
    (config,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    address = SERVICES["proxy"]["networks"]["default"]["ipv4_address"]
    assert ip_address(address) in ip_network(config["subnet"])
    for name in NODES:
        assert SERVICES[name]["environment"]["COLLAB_TRUSTED_PROXIES"] == f"${{COLLAB_TRUSTED_PROXIES:-{address}}}"
    assert "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;" in NGINX
    assert "proxy_set_header X-Forwarded-Proto $scheme;" in NGINX


def test_the_proxies_take_what_the_nodes_take() -> None:
    most = Settings.model_fields["max_import_bytes"].default
    size = re.search(r"client_max_body_size (\d+)m;", NGINX)
    assert size is not None and int(size[1]) << 20 >= most
    size = re.search(r"max_size (\d+)MB", CADDY)
    assert size is not None and int(size[1]) * 1_000_000 >= most


def test_the_proxies_let_sockets_and_streams_through() -> None:
    for directive in (
        "proxy_http_version 1.1;",
        "proxy_set_header Upgrade $http_upgrade;",
        "proxy_set_header Connection $collab_connection;",
        "proxy_buffering off;",
    ):
        assert directive in NGINX, directive
    assert all(int(seconds) > 40 for seconds in re.findall(r"proxy_(?:read|send)_timeout (\d+)s;", NGINX))
    for directive in ("flush_interval -1", "health_uri /health/ready", "lb_policy uri_hash"):
        assert directive in CADDY, directive
    for text in (NGINX, CADDY):
        code = re.sub(r"#.*", "", text)
        assert code.count("{") == code.count("}")


# ---- what Prometheus and Grafana ask for

DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())
ALERTS: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
EXPRESSIONS = [
    *(rule["expr"] for rule in ALERTS),
    *(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]),
]
FUNCTIONS = {"sum", "max", "min", "rate", "histogram_quantile"}
WORDS = {"by", "instance", "le", "code"}


@pytest.fixture(scope="module")
async def metrics(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[set[str]]:
    """The names of a running server's samples, and of metrics that have none yet."""
    async with (
        Server(tmp_path_factory.mktemp("metrics")) as server,
        httpx.AsyncClient(base_url=server.http) as client,
    ):
        text = (await client.get("/metrics")).text
    yield set(re.findall(r"^(?:# TYPE )?(\w+)", text, re.MULTILINE))


async def test_every_metric_that_is_asked_for_exists(metrics: set[str]) -> None:
    named = {name for expression in EXPRESSIONS for name in re.findall(r"collab_\w+", expression)}
    assert len(named) > 15
    assert not named - metrics


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_is_balanced_and_calls_what_prometheus_has(expression: str) -> None:
    open_brackets = []
    for character in expression:
        if character in "([{":
            open_brackets.append(character)
        elif character in ")]}":
            assert open_brackets.pop() + character in ("()", "[]", "{}"), expression
    assert not open_brackets, expression
    assert set(re.findall(r"([a-z_]+)\s*\(", expression)) <= FUNCTIONS | {"by"}
    words = set(re.findall(r"[a-z_]+", re.sub(r"\[\d+[smh]\]|collab_\w+", "", expression)))
    assert words <= FUNCTIONS | WORDS
    counters = re.findall(r"(collab_\w+_(?:total|bucket))", expression)
    assert len(counters) == len(re.findall(r"rate\(collab_\w+_(?:total|bucket)\[\d+m\]\)", expression))


def test_every_alert_says_what_to_do() -> None:
    for rule in ALERTS:
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert rule["annotations"].keys() == {"summary", "description"}
    assert len({rule["alert"] for rule in ALERTS}) == len(ALERTS)
