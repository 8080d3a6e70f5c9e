"""Log records as JSON lines; the line of each review is written by ``server.routes``, without ``logging``."""

import logging
import logging.config
import sys
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

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
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _encode(line).decode()


def settings(level: str) -> dict[str, Any]:
    """Return the ``logging.config`` dictionary: JSON to standard error, at one level for all loggers."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": sys.stderr, "formatter": "json"}},
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        "loggers": {
            "gunicorn.error": {"level": level.upper(), "handlers": [], "propagate": True},
            "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
        },
    }


def configure(level: str) -> None:
    """Send every logger of this process to standard error as JSON."""
    logging.config.dictConfig(settings(level))
