"""Run one service in one process: uvicorn under gunicorn with uvloop, one worker, one event loop.

More replicas give more capacity; there is always one worker. Nothing depends on an orderly end: a crash is safe.
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
from tiergate.process.asgi import Application
from tiergate.process.memory import map_large_blocks, share_with_worker
from tiergate.process.tls import POLL_SECONDS, ReloadingContext, Tls, Unusable
from tiergate.process.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from tiergate.process.service import Service

KEEPALIVE: Final = 120
"""Seconds; the API server keeps idle connections for 90 and must be the one to close them."""
GRACEFUL_TIMEOUT: Final = 12
"""Seconds between SIGTERM and the end, whatever is still running: longer than ``worker.DRAIN_SECONDS``."""
WORKER_TIMEOUT: Final = 30
"""Seconds without a heartbeat of the event loop after which the worker is replaced."""
LOOPBACK: Final = "127.0.0.1"

logger = logging.getLogger(__name__)


def run(
    factory: Callable[[], Service],
    *,
    address: str,
    port: int,
    usage_port: int | None,
    tls: Tls | None,
    log_level: str = "info",
    on_task_failure: Callable[[str], None] = lambda _name: None,
) -> int:
    """Serve until a signal ends it.

    Args:
        factory: Makes the service, inside the worker.
        address: IP address of the main port.
        port: Main port.
        usage_port: Port of the pages, on loopback; None opens none.
        tls: How the main port serves TLS; None serves plain HTTP.
        log_level: debug, info, warning or error.
        on_task_failure: Called in the worker with the name of each task that failed.

    Returns:
        The exit code.
    """
    logs.configure(log_level)
    own_tasks: dict[str, Callable[[], Awaitable[None]]] = {}
    settings = _settings(_binds(address, port, usage_port), log_level)
    if tls is not None:
        certificate = _wait_for_certificate(tls)
        own_tasks["certificate"] = lambda: _reload_forever(certificate, tls.on_certificate)
        settings |= {
            "certfile": str(tls.files.folder / "tls.crt"),
            "ssl_context": lambda _conf, _default: _context_or_exit(certificate),
        }
    map_large_blocks()
    application = Application(
        factory,
        usage_port=usage_port,
        own_tasks=own_tasks,
        client_certificates=tls is not None and tls.files.client_ca is not None,
        client_names=frozenset() if tls is None else tls.client_names,
        on_task_failure=on_task_failure,
    )
    share_with_worker()
    try:
        _Server(application, settings).run()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def _wait_for_certificate(tls: Tls) -> ReloadingContext:
    """Return once the files are usable; log why they are not, once for each reason."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit)  # process 1 of a container ignores SIGTERM by default
    last_error = ""
    while True:
        try:
            return ReloadingContext(tls.files, trust=tls.trust)
        except Unusable as error:
            if str(error) != last_error:
                last_error = str(error)
                logger.warning("waiting for a certificate, no port is open", extra={"fields": {"fault": last_error}})
        time.sleep(POLL_SECONDS)


def _exit(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


async def _reload_forever(certificate: ReloadingContext, tell: Callable[[datetime], None]) -> None:
    """Read the files again and again.

    The first read comes at once: a worker that replaces a crashed one starts with the pair that the parent read.
    """
    while True:
        certificate.reload()
        tell(certificate.expires)
        await asyncio.sleep(POLL_SECONDS)


def _context_or_exit(certificate: ReloadingContext) -> ssl.SSLContext:
    """Return the context for gunicorn, or end this process.

    gunicorn's own asgi worker logs an exception of this hook and then serves plain HTTP on the TLS port. A process that
    has ended sends nothing.
    """
    context: object = None
    try:
        context = certificate.context
    finally:
        if not isinstance(context, ssl.SSLContext):
            logger.critical("no TLS context: the worker ends before it can answer in plain text")
            os._exit(Arbiter.WORKER_BOOT_ERROR)
    return context


def _binds(address: str, port: int, usage_port: int | None) -> list[str]:
    binds = [_bind(address, port)]
    if usage_port is not None:
        # Replicas on one machine have loopback addresses of their own; each serves its pages there.
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
        "graceful_timeout": GRACEFUL_TIMEOUT,
        "timeout": WORKER_TIMEOUT,
        "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # noqa: S108 - a heartbeat file, unlinked at once
        "control_socket_disable": True,
        "forwarded_allow_ips": "",  # there is no proxy before us: no header changes who called
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
