"""Logs and metrics. Log records carry `connection`, `document` and other fields by `extra=`; counters live in `Counts`.

The hot path adds to plain integers; /metrics reads them when asked, so that counting costs no lock per delivery.
"""

import json
import logging
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

log = logging.getLogger("collab_server")

_RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, message, then the record's extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({key: value for key, value in vars(record).items() if key not in _RESERVED})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """For people at a terminal: time, level, message, extra fields as key=value."""

    def format(self, record: logging.LogRecord) -> str:
        extra = " ".join(f"{key}={value}" for key, value in vars(record).items() if key not in _RESERVED)
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        line = f"{clock} {record.levelname.lower():7} {record.getMessage()}{'  ' + extra if extra else ''}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure_logging(level: str, style: str) -> None:
    """Send all logs to stderr. `style`: json, text, or auto (text on a terminal)."""
    text = style == "text" or (style == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler()
    handler.setFormatter(TextFormatter() if text else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    log.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        # uvicorn tells of every request and socket; ours tell the same with ids, at debug.
        logger.setLevel(logging.WARNING)


def name_node(node: str) -> None:
    """From now on every record of this process says which node of the cluster wrote it: `node`."""

    def name(record: logging.LogRecord) -> bool:
        record.node = node
        return True

    for handler in logging.getLogger().handlers:
        handler.filters[:] = [name]


class Seldom:
    """Bounds how often the log says the same: once in `seconds` for each subject, with the count since then."""

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds
        self._counts: Counter[str] = Counter()
        self._due: dict[str, float] = {}

    def count(self, subject: str) -> int:
        """How many to tell of now, this one included; 0: none."""
        self._counts[subject] += 1
        now = time.monotonic()
        if now < self._due.get(subject, 0.0):
            return 0
        self._due[subject] = now + self._seconds
        return self._counts.pop(subject)


COMMIT_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Timings:
    """A histogram of seconds, cheap to add to."""

    __slots__ = ("buckets", "counts", "total")

    def __init__(self, buckets: tuple[float, ...] = COMMIT_BUCKETS) -> None:
        self.buckets = buckets
        self.counts = [0] * (len(buckets) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.total += seconds
        self.counts[bisect_left(self.buckets, seconds)] += 1

    def family(self, name: str, documentation: str) -> HistogramMetricFamily:
        rows, below = [], 0
        for bound, count in zip((*map(str, self.buckets), "+Inf"), self.counts, strict=True):
            below += count
            rows.append((bound, float(below)))
        return HistogramMetricFamily(name, documentation, buckets=rows, sum_value=self.total)


@dataclass(slots=True)
class Counts:
    """Totals since the process started."""

    updates_received: int = 0
    deliveries: int = 0
    presence_received: int = 0
    rows_committed: int = 0
    commits: int = 0
    commit_failures: int = 0
    folds: int = 0
    fold_failures: int = 0
    loads: int = 0
    joins: int = 0
    caught_up: int = 0
    password_hashes: int = 0
    sign_in_failures: int = 0
    access_changes: int = 0
    bus_sent: int = 0
    bus_received: int = 0
    bus_gaps: int = 0
    bus_forged: int = 0
    bus_repeated: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    commit_seconds: Timings = field(default_factory=Timings)
    turn_seconds: Timings = field(default_factory=Timings)


_TOTALS = {
    "updates_received": "Content messages (Yjs updates) received from clients",
    "deliveries": "Updates written to a client other than their author",
    "presence_received": "Awareness messages received from clients",
    "rows_committed": "Rows written to document_updates",
    "commits": "Group commits",
    "commit_failures": "Group commits that failed and were tried again",
    "folds": "Documents folded: log into snapshot, content extracted",
    "fold_failures": "Folds that failed and will be tried again",
    "loads": "Documents loaded from PostgreSQL",
    "joins": "Times a client joined a document",
    "access_changes": "Open connections to documents whose rights changed or ended",
    "caught_up": "Slow readers that were sent one diff instead of a queue",
    "bus_sent": "Messages published for other nodes",
    "bus_received": "Messages of other nodes about documents that are open here",
    "bus_gaps": "Times that rows of other nodes were read from the log, as no message had brought them",
    "bus_forged": "Messages on the bus that were dropped because no node with this SECRET_KEY has sent them so",
    "bus_repeated": "Messages on the bus that were dropped because they came a second time, or too late",
    "password_hashes": "Password hashes computed (argon2id), to set a password or to compare one",
    "sign_in_failures": "Attempts to sign in that failed or were turned away",
}


class Metrics(Collector):
    """What /metrics shows. `gauges` gives name -> (documentation, current value) at the time of asking."""

    def __init__(self, counts: Counts, gauges: Callable[[], dict[str, tuple[str, float]]]) -> None:
        self._counts = counts
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        for name, documentation in _TOTALS.items():
            yield CounterMetricFamily(f"collab_{name}", documentation, value=getattr(self._counts, name))
        errors = CounterMetricFamily("collab_errors", "Errors shown to clients, by code", labels=["code"])
        for code, count in self._counts.errors.items():
            errors.add_metric([code], count)
        yield errors
        yield self._counts.commit_seconds.family("collab_commit_seconds", "Time of one group commit")
        yield self._counts.turn_seconds.family("collab_fanout_seconds", "Time to write one turn's edits to all sockets")
        for name, (documentation, value) in self._gauges().items():
            yield GaugeMetricFamily(f"collab_{name}", documentation, value=value)
