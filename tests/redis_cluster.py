"""Redis servers that are more than one process without a password: a Redis Cluster, and TLS with an ACL user."""

import datetime
import ipaddress
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis.asyncio import Redis

from tests.redis_server import RedisServer
from tests.server import free_port
from tests.waiting import until

SLOTS = 16_384
PASSWORD = "a/password:with?characters"


class TlsRedis(RedisServer):
    """Takes TLS only, and lets in one user, who may do what docs/guides/scaling.md lists and that only below `prefix`.

    `certificate`: of the authority that clients have to know.
    """

    port_setting = "tls-port"

    def __init__(self, directory: Path, prefix: str) -> None:
        directory.mkdir(parents=True)
        self.certificate, key = self_signed(directory)
        super().__init__(
            directory,
            "port 0",
            "tls-auth-clients no",
            f"tls-cert-file {self.certificate}",
            f"tls-key-file {key}",
            "user default off",
            f"user collab on >{PASSWORD} resetchannels &{prefix}* ~{prefix}rate:* -@all +@connection +@pubsub"
            " +cluster|slots +eval +time +hmget +hset +pexpire",
        )
        self.url = f"rediss://collab:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/0?ssl_ca_certs={self.certificate}"


def self_signed(directory: Path) -> tuple[Path, Path]:
    """-> files of a new certificate for 127.0.0.1 and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a Redis of the tests")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = directory / "certificate.pem", directory / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


class RedisCluster:
    """Three nodes that share the slots."""

    def __init__(self, directory: Path) -> None:
        cluster = ("cluster-enabled yes", "cluster-node-timeout 2000", "cluster-config-file nodes.conf")
        self._buses = [free_port() for _ in range(3)]
        self.nodes = [
            RedisServer(directory / str(number), *cluster, f"cluster-port {bus}")
            for number, bus in enumerate(self._buses)
        ]
        self.url = self.nodes[0].url
        self._stack = AsyncExitStack()

    async def ask(self, node: int, *command: object) -> Any:
        """The answer of one node."""
        async with Redis.from_url(self.nodes[node].url) as client:
            return await client.execute_command(*command)  # type: ignore[no-untyped-call]

    async def __aenter__(self) -> Self:
        for node in self.nodes:
            await self._stack.enter_async_context(node)
        bounds = [0, 5_500, 11_000, SLOTS]
        for number in range(3):
            await self.ask(number, "CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
        await self.whole()
        return self

    async def _meet(self) -> None:
        for node, bus in zip(self.nodes[1:], self._buses[1:], strict=True):
            await self.ask(0, "CLUSTER", "MEET", "127.0.0.1", node.port, bus)

    async def whole(self) -> None:
        """Wait until each node knows all slots to be served."""

        async def ok() -> bool:
            told = [await self.ask(number, "CLUSTER", "INFO") for number in range(3)]
            if b"cluster_known_nodes:3" not in told[0]:
                # A node that does not answer within the timeout is forgotten.
                await self._meet()
            return all(b"cluster_state:ok" in info and b"cluster_known_nodes:3" in info for info in told)

        await until(ok, "a whole Redis Cluster")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
