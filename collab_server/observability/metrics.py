"""Metrics of one process.

The hot path adds to plain integers, and /metrics reads them on request, so that counting takes no lock per delivery.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

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
