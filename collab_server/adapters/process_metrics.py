"""Metrics of all processes behind one port: the process that is asked asks the others, over sockets in a folder."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

TIMEOUT = 2.0
LABEL = "process"


class ProcessMetrics:
    """This process, number `number`, among those that have a socket in `directory`."""

    def __init__(self, directory: Path, number: int, count: int) -> None:
        self._directory = directory
        self.number = number
        self._count = count

    @asynccontextmanager
    async def answering(self, own: Callable[[], bytes]) -> AsyncIterator[None]:
        """Meanwhile give `own()`, this process' metrics as text, to any process that connects."""

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(own())
            writer.close()

        path = self._path(self.number)
        # A process that was killed left its socket.
        path.unlink(missing_ok=True)
        async with await asyncio.start_unix_server(answer, path):
            yield

    async def gather(self, own: bytes) -> bytes:
        """All processes' metrics as one text, each sample labelled with its process.

        Processes that do not answer are left out.
        """
        texts = await asyncio.gather(*(self._ask(number, own) for number in range(self._count)))
        registry = CollectorRegistry()
        registry.register(_Merged({str(number): text for number, text in enumerate(texts)}))
        return generate_latest(registry)

    async def _ask(self, number: int, own: bytes) -> bytes | None:
        if number == self.number:
            return own
        try:
            async with asyncio.timeout(TIMEOUT):
                reader, writer = await asyncio.open_unix_connection(self._path(number))
                try:
                    return await reader.read()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return None

    def _path(self, number: int) -> Path:
        return self._directory / f"{number}.metrics"


class _Merged(Collector):
    def __init__(self, texts: dict[str, bytes | None]) -> None:
        self._texts = texts

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("collab_process_up", "1 for a process that answers", labels=[LABEL])
        merged: dict[str, Metric] = {}
        for number, text in self._texts.items():
            up.add_metric([number], float(text is not None))
            for family in text_string_to_metric_families((text or b"").decode()):
                whole = merged.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    whole.add_sample(sample.name, {**sample.labels, LABEL: number}, sample.value)
        yield up
        yield from merged.values()
