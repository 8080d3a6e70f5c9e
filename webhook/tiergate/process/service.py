"""The interface between a long-running command and the runner."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, NamedTuple, Protocol, TypeAlias

from tiergate.pages.authorization import Authorize

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
WSGIApplication: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Pages(NamedTuple):
    """The pages for people and scrapers, and who may read the metrics: None lets everyone.

    On the main port only ``/metrics`` reaches them, on the usage port everything but ``/metrics``.
    """

    application: WSGIApplication
    authorize: Authorize | None = None


class Service(Protocol):
    """One command's part of a process; everything is called in the worker's event loop."""

    @property
    def pages(self) -> Pages | None:
        """The pages, read once after ``start``; None serves none."""

    def tasks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return the tasks that must run for ever, by name.

        A task that raises (or returns) is started again after a growing pause; ``ready`` alone decides readiness.
        """

    async def start(self) -> None:
        """Prepare before serving; it must be quick. An exception ends the process."""

    def stop(self) -> None:
        """End what is left of the service once its tasks have ended; a process that is killed never gets here."""

    def ready(self) -> tuple[bool, str]:
        """Return whether to send traffic here, and if not, why (one line, shown at /readyz)."""

    async def undecided(self) -> str:
        """Return why no verdict can be given though the process is ready (one line, shown at /decides), "" if one can.

        No reason to be unready: where it holds for one replica it mostly holds for all.
        """

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of the main port: everything but probes and ``/metrics``."""
