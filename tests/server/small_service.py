"""A process with the real runner and a service small enough to see the runner: tests start it, none imports it.

The endpoints go through the real routes, with a reviewer that answers its body's length. What goes wrong is chosen on
the command line.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from tiergate.core.request import Endpoint
from tiergate.metrics.prometheus import PrometheusRecorder
from tiergate.process import tls
from tiergate.process.bodies import Bodies
from tiergate.process.runner import run
from tiergate.process.service import Receive, Scope, Send
from tiergate.server.admission import Answer, Record
from tiergate.server.routes import Routes


class Lengths:
    """Answers every review with the length of its body, after a while."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def answer(self, endpoint: Endpoint, body: bytes, **_: object) -> Answer:
        """Say how long the body is."""
        if body == b"bug":
            message = "a bug with a secret in its message"
            raise RuntimeError(message)
        await asyncio.sleep(self._seconds)
        return Answer(200, b"%d" % len(body), Record(endpoint, uid="u"))


class SmallService:
    """Ready at once; one of its tasks may fail."""

    pages = None

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        bodies = Bodies(in_flight=options.in_flight) if options.in_flight else Bodies()
        self._routes = Routes(Lengths(options.answer_seconds), PrometheusRecorder(), bodies=bodies)

    async def undecided(self) -> str:
        """Verdicts are always possible."""
        return ""

    def tasks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return the task that fails, if one shall."""
        return {"failing": self._fail} if self._options.task_fails else {}

    async def start(self) -> None:
        """Start, or not."""
        if self._options.start_fails:
            message = "no way to start"
            raise RuntimeError(message)

    def stop(self) -> None:
        """Stop."""

    def ready(self) -> tuple[bool, str]:
        """Be ready."""
        return True, ""

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Go through the real routes."""
        await self._routes.http(scope, receive, send)

    async def _fail(self) -> None:
        message = "the task broke"
        raise RuntimeError(message)


def break_the_hook() -> None:
    """Make the context that gunicorn asks for impossible to get."""

    def broken(_listener: object) -> object:
        message = "the hook raised"
        raise RuntimeError(message)

    tls.ReloadingContext.context = property(broken)  # type: ignore[assignment,method-assign]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tls-dir", type=Path)
    parser.add_argument("--client-ca", type=Path)
    parser.add_argument("--client-name", action="append", default=[])
    parser.add_argument("--in-flight", type=int, default=0)
    parser.add_argument("--answer-seconds", type=float, default=0.0)
    parser.add_argument("--task-fails", action="store_true")
    parser.add_argument("--start-fails", action="store_true")
    parser.add_argument("--hook-fails", action="store_true")
    options = parser.parse_args()
    if options.hook_fails:
        break_the_hook()
    files = None if options.tls_dir is None else tls.Files(options.tls_dir, options.client_ca)
    return run(
        lambda: SmallService(options),
        address="127.0.0.1",
        port=options.port,
        usage_port=None,
        tls=None if files is None else tls.Tls(files, client_names=frozenset(options.client_name)),
    )


if __name__ == "__main__":
    sys.exit(main())
