"""Log records of the server. They carry `connection`, `document` and other fields by `extra=`."""

import json
import logging
import sys
import time
from collections import Counter

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
    """Lines for a terminal: time, level, message, extra fields as key=value."""

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
    # A form that cannot be read is the client's fault, and answered as one.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)


def name_node(node: str) -> None:
    """Add the `node` of the cluster to every further record of this process."""

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
