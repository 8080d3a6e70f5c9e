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
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import msgspec

from tiergate.cluster.budget import Budget
from tiergate.cluster.client import WATCH_SILENCE
from tiergate.cluster.errors import ApiError, BodyTooLarge, Silence, Unreachable, in_words
from tiergate.cluster.list_watch import PAGE, read_event, read_pages, read_status
from tiergate.cluster.meta import ObjectMeta, read_meta
from tiergate.core.decision import Fault
from tiergate.core.text import shortened
from tiergate.wire import Malformed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from typing import Protocol

    from tiergate.cluster.list_watch import Event, Page
    from tiergate.cluster.resource import Resource
    from tiergate.cluster.sender import Sender

    class Source(Sender, Protocol):
        """What a cache needs of the client."""

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

FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 30.0
RECONNECT: Final = 5.0
"""Seconds a cache is still trusted after its watch has ended: an ordinary end is followed by a new watch at once."""
HEALTHY_AFTER: Final = 5.0
"""A watch that lasted this many seconds was a good one: the pause starts small again."""
THROTTLED: Final = 429
LINES: Final = 10
LINES_INTERVAL: Final = 10.0
"""Log lines about faults of one namespace: so many at once, then one each so many seconds."""

logger = logging.getLogger(__name__)


class _Unusable(msgspec.Struct, Generic[T], frozen=True):
    """An object that cannot be decoded: why, and the value that it has meanwhile, if any."""

    fault: Fault
    stand_in: T | None


class Cache(Generic[T]):
    """All objects of one resource, kept current for ever by ``run``.

    ``items`` maps ``namespace/name`` (or ``name``) to the decoded value, ``faults`` maps the same keys to why their
    latest version could not be decoded: such an object keeps its last good value in ``items``, if it ever had one, or
    is there as what stands in for it.
    Whatever an object does to its decoder is a fault of that object, never of the cache.
    """

    def __init__(
        self,
        client: Source,
        resource: Resource,
        *,
        decode: Callable[[bytes], T],
        on_change: Callable[[str, T | None, T | None], None] | None = None,
        stand_in: Callable[[bytes], T | None] | None = None,
        query: Mapping[str, str] | None = None,
        page: int = PAGE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Describe the cache; nothing is read before ``run``.

        Args:
            client: Where to list and watch.
            resource: Whose objects, of all namespaces.
            decode: Raw JSON of one object to its value; any exception makes the object a fault.
            on_change: Called after each change with the key, the value before and the value now. A value is None where
                there is no object, and the last good one (or None) for a fault. It must not wait.
            stand_in: What the raw JSON of an object that cannot be decoded becomes, None for nothing. Without this
                its last good value stays.
            query: Selectors for list and watch.
            page: Objects in one list page.
            clock: Monotonic seconds.
        """
        self._client = client
        self._path = resource.collection()
        self._decode = decode
        self._on_change = on_change
        self._stand_in = stand_in
        self._query = dict(query or {})
        self._page = page
        self._clock = clock
        self._items: dict[str, T] = {}
        self._faults: dict[str, Fault] = {}
        self._faulty: Counter[str] = Counter()
        self._versions: dict[str, str] = {}
        self.items: Mapping[str, T] = MappingProxyType(self._items)
        self.faults: Mapping[str, Fault] = MappingProxyType(self._faults)
        self._log_budget = Budget(burst=LINES, interval=LINES_INTERVAL)
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

    def has_faults(self, namespace: str) -> bool:
        """Say whether an object of the namespace cannot be used as it stands."""
        return namespace in self._faulty

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
            except Silence as error:  # as after a restore of etcd from a backup, whose versions are below ours
                self._relist = True
                self._complain(error)
            except (Unreachable, BodyTooLarge) as error:
                self._complain(error)
            except msgspec.MsgspecError as error:  # something else than an API server answered
                self._relist = True
                self._complain(error)
            except ApiError as error:
                self._relist = self._relist or not _passes_by_itself(error)
                self._complain(error)
            if self._clock() - started > HEALTHY_AFTER:
                pause = FIRST_PAUSE
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - jitter guards nothing
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _round(self) -> None:
        if self._relist:
            await self._list()
            self._relist = False
        await self._follow()

    async def _list(self) -> None:
        """Read all pages, then make the cache equal to them in one step.

        Every object is decoded again: after a restore of etcd an old version may mean another object.
        """
        fresh: dict[str, tuple[str, T | _Unusable[T]]] = {}
        async for page in read_pages(self._client, self._path, query=self._query, page=self._page):
            self._read(page, fresh)
            listed = page.metadata.resource_version
            del page  # else it is kept while the next one is read
        for gone in [key for key in self._versions if key not in fresh]:
            self._drop(gone)
        for key, (version, value) in fresh.items():
            if self._versions.get(key) != version or value != self._held(key):
                self._store(key, version, value)
        self.resource_version = listed
        self._heard = self._ended = self._clock()
        self.synced = True
        self._wake()

    def _read(self, page: Page, fresh: dict[str, tuple[str, T | _Unusable[T]]]) -> None:
        for raw in page.items or ():
            meta = read_meta(raw)
            fresh[meta.key] = meta.resource_version, self._decoded(meta, raw)

    def _held(self, key: str) -> T | _Unusable[T] | None:
        fault, value = self._faults.get(key), self._items.get(key)
        return value if fault is None else _Unusable(fault, value)

    async def _follow(self) -> None:
        events = self._client.watch(
            self._path, resource_version=self.resource_version, query=self._query, opened=self._opened
        )
        try:
            async with contextlib.aclosing(events) as lines:  # type: ignore[type-var]  # an async generator in fact
                async for line in lines:
                    self._heard = self._clock()
                    self._apply(read_event(line))
        finally:
            if self._following:
                self._following = False
                self._ended = self._clock()

    def _opened(self) -> None:
        self._following = True
        self._heard = self._clock()

    def _apply(self, event: Event) -> None:
        if event.type == "ERROR":
            status = read_status(event.object)
            raise ApiError(status.code, status.reason, status.message)
        meta = read_meta(event.object)
        if event.type != "BOOKMARK":
            if event.type == "DELETED":
                self._drop(meta.key)
            else:
                self._store(meta.key, meta.resource_version, self._decoded(meta, event.object))
            self._wake()
        self.resource_version = meta.resource_version

    def _decoded(self, meta: ObjectMeta, raw: msgspec.Raw) -> T | _Unusable[T]:
        """Return the value, or the first fault, bounded: an exception would keep the whole object."""
        try:
            return self._decode(bytes(raw))
        except Malformed as error:
            fault = Fault(shortened(error.pointer), shortened(error.reason))
        except Exception as error:  # whatever it is, the other objects are not to suffer from it
            fields = {"path": self._path, "key": meta.key}
            logger.exception("object cannot be decoded", extra={"fields": fields})
            fault = Fault("", shortened(in_words(error)))
        stand_in = self._items.get(meta.key) if self._stand_in is None else self._stand_in(bytes(raw))
        return _Unusable(fault, stand_in)

    def _store(self, key: str, version: str, value: T | _Unusable[T]) -> None:
        before = self._items.get(key)
        self._versions[key] = version
        known = self._forget_fault(key)
        if not isinstance(value, _Unusable):
            self._items[key] = value
        else:
            self._note_fault(key, value.fault, known)
            if value.stand_in is not None:
                self._items[key] = value.stand_in
            else:
                self._items.pop(key, None)
        self._tell(key, before)

    def _note_fault(self, key: str, fault: Fault, known: Fault | None) -> None:
        """Note a fault; log new ones only, and few of one namespace: whoever changes objects must not fill the log."""
        self._faults[key] = fault
        self._faulty[_namespace(key)] += 1
        share, now = _namespace(key) or key, self._clock()
        if fault == known or self._log_budget.wait(share, now=now) > 0:
            return
        self._log_budget.spend(share, now=now)
        fields = {"path": self._path, "key": key, "fault": f"{fault.pointer or 'object'}: {fault.reason}"}
        logger.warning("object cannot be used", extra={"fields": fields})

    def _drop(self, key: str) -> None:
        self._versions.pop(key, None)
        before = self._items.pop(key, None)
        self._forget_fault(key)
        self._tell(key, before)

    def _forget_fault(self, key: str) -> Fault | None:
        """Forget and return the fault of an object."""
        if (known := self._faults.pop(key, None)) is not None:
            namespace = _namespace(key)
            self._faulty[namespace] -= 1
            if not self._faulty[namespace]:
                del self._faulty[namespace]
        return known

    def _tell(self, key: str, before: T | None) -> None:
        if self._on_change is not None:
            self._on_change(key, before, self._items.get(key))

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


def _namespace(key: str) -> str:
    """Return the namespace of a key, "" of a cluster-scoped object."""
    return key.rpartition("/")[0]


def _passes_by_itself(error: ApiError) -> bool:
    """Say whether the watch may go on from where it was: the server is busy or broken, our version is still good."""
    return error.status == THROTTLED or error.status >= 500
