"""A cache over list and watch of one resource, decoded straight from the API server's bytes.

Objects never become client models: a list page is split into raw items, an event into its type and its raw object, and
one caller-given function turns raw bytes into a value. What is kept is only that value.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import msgspec

from tiergate.cluster.client import WATCH_SILENCE, ApiError, Unreachable
from tiergate.cluster.meta import read_meta
from tiergate.wire import Malformed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from typing import Protocol

    from tiergate.cluster.resource import Resource

    class Source(Protocol):
        """What a cache needs of the client."""

        async def request(
            self,
            method: str,
            path: str,
            *,
            query: Mapping[str, str] | None = None,
            timeout: float = 10.0,  # noqa: ASYNC109 - as the client has it
        ) -> bytes:
            """Return the body of a 2xx answer."""

        def watch(
            self,
            path: str,
            *,
            resource_version: str,
            query: Mapping[str, str] | None = None,
            opened: Callable[[], None] | None = None,
        ) -> AsyncIterator[bytes]:
            """Yield raw events."""


T = TypeVar("T")

PAGE: Final = 500
PAGE_BYTES: Final = 32 * 2**20
"""A larger list page halves the next one."""
LIST_TIMEOUT: Final = 60.0
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 30.0
RECONNECT: Final = 5.0
"""Seconds a cache is still trusted after its watch has ended: an ordinary end is followed by a new watch at once."""
LIVED: Final = 5.0
"""A watch that lasted this many seconds was a good one: the pause starts small again."""
GONE: Final = 410
THROTTLED: Final = 429

logger = logging.getLogger(__name__)


class _ListMeta(msgspec.Struct):
    resource_version: str = msgspec.field(default="", name="resourceVersion")
    next_page: str = msgspec.field(default="", name="continue")


class _Page(msgspec.Struct):
    metadata: _ListMeta
    items: list[msgspec.Raw] | None = None


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Status(msgspec.Struct):
    code: int = 0
    reason: str = ""
    message: str = ""


_read_page = msgspec.json.Decoder(_Page).decode
_read_event = msgspec.json.Decoder(_Event).decode
_read_status = msgspec.json.Decoder(_Status).decode


class Cache(Generic[T]):
    """All objects of one resource, kept current for ever by ``run``.

    ``items`` maps ``namespace/name`` (or ``name``) to the decoded value, ``faults`` maps the same keys to why their
    latest version could not be decoded: such an object keeps its last good value in ``items``, if it ever had one.
    """

    def __init__(
        self,
        client: Source,
        resource: Resource,
        *,
        decode: Callable[[bytes], T],
        on_change: Callable[[str, T | None], None] | None = None,
        query: Mapping[str, str] | None = None,
        page: int = PAGE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Describe the cache; nothing is read before ``run``.

        Args:
            client: Where to list and watch.
            resource: Whose objects, of all namespaces.
            decode: Raw JSON of one object to its value; ``wire.Malformed`` makes the object a fault, any other
                exception is a bug and ends ``run``.
            on_change: Called after each change with the key and the new value: the last good one (or None) for a fault,
                None for an object that is gone. It must not wait.
            query: Selectors for list and watch.
            page: Objects in one list page.
            clock: Monotonic seconds.
        """
        self._client = client
        self._path = resource.collection()
        self._decode = decode
        self._on_change = on_change
        self._query = dict(query or {})
        self._page = page
        self._clock = clock
        self._items: dict[str, T] = {}
        self._faults: dict[str, Malformed] = {}
        self._versions: dict[str, str] = {}
        self.items: Mapping[str, T] = MappingProxyType(self._items)
        self.faults: Mapping[str, Malformed] = MappingProxyType(self._faults)
        self.synced = False
        self.resource_version = ""
        self._relist = True
        self._heard = float("-inf")
        self._ended = float("-inf")
        self._following = False
        self._waiting: list[asyncio.Future[None]] = []

    def age(self, *, now: float) -> float:
        """Return the seconds since the API server was last heard; infinite before the first list.

        In quiet times bookmarks keep it below about 75 s. ``now`` is on the clock of the cache.
        """
        return now - self._heard

    @property
    def trusted_until(self) -> float:
        """The time on the clock of the cache until which the content may be relied on, if nothing more is heard."""
        return self._heard + WATCH_SILENCE if self._following else self._ended + RECONNECT

    async def changed(self, timeout: float) -> bool:  # noqa: ASYNC109 - running out of time is an ordinary answer
        """Wait for the next change; False when ``timeout`` seconds passed without one."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await asyncio.wait_for(waiter, timeout)
        except TimeoutError:
            return False
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
        return True

    async def run(self) -> None:
        """List, then watch, for ever.

        An API server that is away or refuses is waited for with a jittered, growing pause; a bug raises.
        """
        pause = FIRST_PAUSE
        while True:
            started = self._clock()
            try:
                await self._round()
            except Unreachable as error:
                self._complain(error)
            except msgspec.MsgspecError as error:  # something else than an API server answered
                self._relist = True
                self._complain(error)
            except ApiError as error:
                self._relist = self._relist or not _passes_by_itself(error)
                self._complain(error)
            if self._clock() - started > LIVED:
                pause = FIRST_PAUSE
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - jitter guards nothing
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _round(self) -> None:
        if self._relist:
            await self._list()
            self._relist = False
        await self._follow()

    async def _list(self) -> None:
        """Read all pages, then make the cache equal to them in one step; a version we have is not decoded again."""
        fresh: dict[str, tuple[str, T | Malformed]] = {}
        present: set[str] = set()
        query = {**self._query, "limit": str(self._page)}
        limit = self._page
        while True:
            body = await self._client.request("GET", self._path, query=query, timeout=LIST_TIMEOUT)
            page = _read_page(body)
            for raw in page.items or ():
                meta = read_meta(raw)
                key = meta.key
                present.add(key)
                if self._versions.get(key) != meta.resource_version:
                    fresh[key] = meta.resource_version, self._decoded(bytes(raw))
            if not page.metadata.next_page:
                break
            if len(body) > PAGE_BYTES:
                limit = max(limit // 2, 1)
            query = {**self._query, "limit": str(limit), "continue": page.metadata.next_page}
        for gone in [key for key in self._versions if key not in present]:
            self._drop(gone)
        for key, (version, value) in fresh.items():
            self._store(key, version, value)
        self.resource_version = page.metadata.resource_version
        self._heard = self._ended = self._clock()
        self.synced = True
        self._wake()

    async def _follow(self) -> None:
        events = self._client.watch(
            self._path, resource_version=self.resource_version, query=self._query, opened=self._opened
        )
        try:
            async with contextlib.aclosing(events) as lines:  # type: ignore[type-var]  # an async generator in fact
                async for line in lines:
                    self._heard = self._clock()
                    self._apply(_read_event(line))
        finally:
            if self._following:
                self._following = False
                self._ended = self._clock()

    def _opened(self) -> None:
        self._following = True
        self._heard = self._clock()

    def _apply(self, event: _Event) -> None:
        if event.type == "ERROR":
            status = _read_status(event.object)
            raise ApiError(status.code, status.reason, status.message)
        meta = read_meta(event.object)
        if event.type != "BOOKMARK":
            if event.type == "DELETED":
                self._drop(meta.key)
            else:
                self._store(meta.key, meta.resource_version, self._decoded(bytes(event.object)))
            self._wake()
        self.resource_version = meta.resource_version

    def _decoded(self, raw: bytes) -> T | Malformed:
        try:
            return self._decode(raw)
        except Malformed as fault:
            return fault

    def _store(self, key: str, version: str, value: T | Malformed) -> None:
        self._versions[key] = version
        if isinstance(value, Malformed):
            self._faults[key] = value
            logger.warning(
                "object cannot be used", extra={"fields": {"path": self._path, "key": key, "fault": str(value)}}
            )
        else:
            self._faults.pop(key, None)
            self._items[key] = value
        self._tell(key, self._items.get(key))

    def _drop(self, key: str) -> None:
        self._versions.pop(key, None)
        self._items.pop(key, None)
        self._faults.pop(key, None)
        self._tell(key, None)

    def _tell(self, key: str, value: T | None) -> None:
        if self._on_change is not None:
            self._on_change(key, value)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    def _complain(self, error: Exception) -> None:
        logger.warning(
            "list or watch failed",
            extra={"fields": {"path": self._path, "error": str(error), "relist": self._relist}},
        )


def _passes_by_itself(error: ApiError) -> bool:
    """Say whether the watch may go on from where it was: the server is busy or broken, our version is still good."""
    return error.status == THROTTLED or error.status >= 500
