"""Log records as JSON lines; the line of each review is written by ``server.routes``, without ``logging``."""

import logging
import logging.config
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from tiergate.process.allowance import Allowance

MOST_ALIKE: Final = 20
"""Records of one text in a second: whoever causes them, by what no client should send, must not fill the disk."""
MOST_TEXTS: Final = 1000
"""Texts that are counted in a second; our own are few."""

_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


class JsonFormatter(logging.Formatter):
    """One JSON object in one line: time, level, logger, message, the caller's ``fields``, and a traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        """Render the record; ``extra={"fields": {...}}`` of the call is merged in."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if left_out := getattr(record, "left_out", 0):
            line["leftOut"] = left_out
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _encode(line).decode()


class FewAlike(logging.Filter):
    """Passes few records of one text in a second; the next one that passes says how many were left out."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing counted; ``clock`` has monotonic seconds."""
        super().__init__()
        self._allowance = Allowance[tuple[str, str]](MOST_ALIKE, MOST_TEXTS, clock=clock)
        self._left_out: dict[tuple[str, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Count the record; say whether it is written."""
        key = record.name, str(record.msg)
        if not self._allowance.take(key):
            if key in self._left_out or len(self._left_out) < MOST_TEXTS:
                self._left_out[key] = self._left_out.get(key, 0) + 1
            return False
        record.left_out = self._left_out.pop(key, 0)
        return True


def settings(level: str) -> dict[str, Any]:
    """Return the ``logging.config`` dictionary: JSON to standard error, at one level for all loggers."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "filters": {"few": {"()": FewAlike}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": sys.stderr,
                "formatter": "json",
                "filters": ["few"],
            }
        },
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        "loggers": {
            "gunicorn.error": {"level": level.upper(), "handlers": [], "propagate": True},
            "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
        },
    }


def configure(level: str) -> None:
    """Send every logger of this process to standard error as JSON."""
    logging.config.dictConfig(settings(level))
