"""What the server's processes cost: CPU time and memory, read from /proc."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """The process and all processes below it."""
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in task.read_text().split():
                found += family(int(child))
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def _ticks(pid: int) -> tuple[int, int]:
    """Of the process itself, and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0
    return int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])


class Cpu:
    """CPU seconds since it was made: of the server process, and of it with everything below it.

    Processes that start or end meanwhile count: what has ended is in its parent's account.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._own, self._all = self._read()

    def _read(self) -> tuple[float, float]:
        own = _ticks(self._pid)[0]
        everything = sum(sum(_ticks(member)) for member in family(self._pid))
        return own / TICKS, everything / TICKS

    def server(self) -> float:
        return self._read()[0] - self._own

    def all(self) -> float:
        return self._read()[1] - self._all


def _status_mb(pid: int, key: str) -> float:
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(row for row in rows if row.startswith(f"{key}:")).split()[1]) / 1024


def resident_mb(pid: int) -> float:
    return _status_mb(pid, "VmRSS")


class Peak:
    """How much the resident memory of the server process rises above what it is now, in MB."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        self.before = resident_mb(pid)

    def growth_mb(self) -> float:
        return max(0.0, _status_mb(self._pid, "VmHWM") - self.before)
