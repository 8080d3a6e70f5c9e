"""Run one service in one process: uvicorn under gunicorn with uvloop, one worker, one event loop.

Replicas scale, not workers. Nothing here depends on an orderly end: stopping is crash-safe.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import signal
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from tiergate.process import logs
from tiergate.process.front_doors import FrontDoors
from tiergate.process.tls import POLL, Files, Front, Unusable
from tiergate.process.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from tiergate.process.service import Service

KEEPALIVE: Final = 120
"""Seconds; the API server keeps idle connections for 90 and must be the one to close them."""
GRACE: Final = 12
"""Seconds between SIGTERM and the end, whatever is still going on: longer than ``worker.DRAIN``."""
SILENCE: Final = 30
"""Seconds without a heartbeat of the event loop after which the worker is replaced."""
LOOPBACK: Final = "127.0.0.1"

logger = logging.getLogger(__name__)


def run(
    factory: Callable[[], Service],
    *,
    address: str,
    port: int,
    usage_port: int | None,
    tls_dir: Path | None,
    client_ca: Path | None,
    log_level: str = "info",
    on_certificate: Callable[[datetime], None] | None = None,
) -> int:
    """Serve until a signal ends it.

    Args:
        factory: Makes the service, inside the worker.
        address: IP address of the main port.
        port: Main port.
        usage_port: Port of the pages, on loopback; None opens none.
        tls_dir: Folder with ``tls.crt`` and ``tls.key``; None serves plain HTTP. No port is opened before the pair
            there can serve.
        client_ca: CA bundle; with it POST needs a client certificate that it signed.
        log_level: debug, info, warning or error.
        on_certificate: Told again and again, in the worker, when the served certificate ends.

    Returns:
        The exit code.
    """
    logs.configure(log_level)
    front = None if tls_dir is None else _wait_for_pair(Files(tls_dir, client_ca))
    doors = FrontDoors(
        factory,
        usage_port=usage_port,
        own_tasks={} if front is None else {"certificate": lambda: _keep_current(front, on_certificate)},
        client_certificates=client_ca is not None,
    )
    settings = _settings(_binds(address, port, usage_port), log_level)
    if tls_dir is not None and front is not None:
        settings |= {"certfile": str(tls_dir / "tls.crt"), "ssl_context": lambda _conf, _default: _context_of(front)}
    try:
        _Server(doors, settings).run()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def _wait_for_pair(files: Files) -> Front:
    """Return once the files can serve; log why they cannot, once for each reason."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)  # as process 1 of a container we would not die of SIGTERM by default
    said = ""
    while True:
        try:
            return Front(files)
        except Unusable as fault:
            if str(fault) != said:
                said = str(fault)
                logger.warning("waiting for a certificate, no port is open", extra={"fields": {"fault": said}})
        time.sleep(POLL)


def _leave(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


async def _keep_current(front: Front, tell: Callable[[datetime], None] | None) -> None:
    """Look at the files for ever.

    The first look comes at once: a worker that replaces a crashed one starts from the pair the parent read long ago.
    """
    while True:
        front.reload()
        if tell is not None:
            tell(front.expires)
        await asyncio.sleep(POLL)


def _context_of(front: Front) -> ssl.SSLContext:
    """Give gunicorn its context, or end this process.

    Servers have been seen to log an exception of this hook and then to serve plain HTTP on the TLS port. A process that
    is gone sends nothing.
    """
    context: object = None
    try:
        context = front.context
    finally:
        if not isinstance(context, ssl.SSLContext):
            logger.critical("no TLS context: the worker ends before it can answer in plain text")
            os._exit(Arbiter.WORKER_BOOT_ERROR)
    return context


def _binds(address: str, port: int, usage_port: int | None) -> list[str]:
    binds = [_bind(address, port)]
    if usage_port is not None:
        # Replicas side by side on one machine have loopback addresses of their own; each keeps its pages on its own.
        loopback = address if ipaddress.ip_address(address).is_loopback else LOOPBACK
        binds.append(_bind(loopback, usage_port))
    return binds


def _bind(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _settings(binds: list[str], log_level: str) -> dict[str, Any]:
    """Return gunicorn's settings: all of them in code, none from files or the environment."""
    return {
        "bind": binds,
        "workers": 1,
        "worker_class": Worker,
        "keepalive": KEEPALIVE,
        "graceful_timeout": GRACE,
        "timeout": SILENCE,
        "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # noqa: S108 - a heartbeat file, unlinked at once
        "control_socket_disable": True,
        "forwarded_allow_ips": "",  # nobody in front of us: no header changes who called
        "secure_scheme_headers": {},
        "logger_class": _JsonLog,
        "loglevel": log_level,
    }


class _JsonLog(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's log without its own handlers: records go to the root logger, which writes JSON."""

    def setup(self, cfg: object) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn, given an application and settings instead of a command line."""

    def __init__(self, application: Callable[..., Awaitable[None]], settings: dict[str, Any]) -> None:
        self._application = application
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Awaitable[None]]:
        return self._application
