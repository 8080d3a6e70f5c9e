"""A cache follows one collection through everything the API server may do."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest

from tests.virtual_time import clock
from tiergate.cluster import watch as module
from tiergate.cluster.client import MAX_BODY, WATCH_SILENCE
from tiergate.cluster.errors import ApiError, BodyTooLarge, Silence, Unreachable
from tiergate.cluster.list_watch import PAGE_BYTES, read_event
from tiergate.cluster.resource import Resource
from tiergate.cluster.watch import Cache
from tiergate.core.decision import Fault
from tiergate.wire import Malformed

THINGS = Resource("", "v1", "things", namespaced=True)
PATH = "/api/v1/things"
VIRTUAL_TIME = True
Object = dict[str, Any]
RAISES = {
    "bad": Malformed("/value", "is bad"),
    "bug": KeyError("bug"),
    "deep": RecursionError("maximum recursion depth exceeded"),
    "large": MemoryError(),
    "long": Malformed("/" + "x" * 10**6, "y" * 10**6, (Fault("/" + "z" * 10**6, ""),) * 1000),
}
"""What an object may do to its decoder."""


def a_thing(name: str, version: int, value: str = "good", namespace: str = "") -> Object:
    metadata = {"name": name, "resourceVersion": str(version)}
    return {"metadata": {**metadata, "namespace": namespace} if namespace else metadata, "value": value}


def a_page(*things: Object, version: int, more: str = "", padding: int = 0) -> bytes:
    metadata = {"resourceVersion": str(version), "continue": more, "padding": "x" * padding}
    return json.dumps({"metadata": metadata, "items": list(things)}).encode()


def an_event(kind: str, thing: Object) -> bytes:
    return json.dumps({"type": kind, "object": thing}).encode()


def a_bookmark(version: int) -> bytes:
    return an_event("BOOKMARK", {"metadata": {"resourceVersion": str(version)}})


def an_expiry() -> bytes:
    return an_event("ERROR", {"code": 410, "reason": "Expired", "message": "too old"})


def decode(raw: bytes) -> str:
    value: str = json.loads(raw)["value"]
    if value in RAISES:
        raise RAISES[value]
    return value


class Script:
    """An API server that says what was written down, in order, and then keeps a watch open for ever."""

    def __init__(self, *steps: bytes | list[bytes] | Exception) -> None:
        self.steps = list(steps)
        self.queries: list[Mapping[str, str]] = []
        self.watched_from: list[str] = []
        self.over = False

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        timeout: float = 0,  # noqa: ASYNC109 - as the client has it
        most: int = MAX_BODY,
        **_: object,
    ) -> bytes:
        """Answer a list."""
        assert (method, path, timeout > 0) == ("GET", PATH, True)
        self.queries.append(query or {})
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        assert isinstance(step, bytes), "a watch was expected, not a list"
        if len(step) > most:
            raise BodyTooLarge("too large")
        return step

    async def watch(
        self,
        path: str,
        *,
        resource_version: str,
        query: Mapping[str, str] | None = None,
        opened: Callable[[], None] | None = None,
    ) -> AsyncIterator[bytes]:
        """Answer a watch."""
        assert path == PATH
        assert query is not None
        self.watched_from.append(resource_version)
        if not self.steps:
            if opened is not None:
                opened()
            self.over = True
            await asyncio.Event().wait()
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        assert isinstance(step, list), "a list was expected, not a watch"
        if opened is not None:
            opened()
        for line in step:
            yield line


async def follow(
    script: Script,
    look: Callable[[Cache[str]], Awaitable[None]] | None = None,
    *,
    on_change: Callable[[str, str | None, str | None], None] | None = None,
    page: int = 500,
) -> Cache[str]:
    """Run a cache through the whole script, then look at it."""
    cache = Cache(script, THINGS, decode=decode, on_change=on_change, page=page, clock=clock)
    running = asyncio.create_task(cache.run())
    try:
        async with asyncio.timeout(600):
            while not (script.over or running.done()):  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.01)
        if look is not None:
            await look(cache)
    finally:
        running.cancel()
        (result,) = await asyncio.gather(running, return_exceptions=True)
    if not isinstance(result, asyncio.CancelledError):
        assert isinstance(result, Exception)
        raise result
    return cache


async def test_what_is_listed_is_there_by_key() -> None:
    cache = await follow(Script(a_page(a_thing("a", 1), a_thing("b", 2, namespace="n"), version=5)))
    assert dict(cache.items) == {"a": "good", "n/b": "good"}
    assert (cache.synced, cache.resource_version) == (True, "5")


async def test_a_list_of_nothing_may_be_null() -> None:
    cache = await follow(Script(json.dumps({"metadata": {"resourceVersion": "1"}, "items": None}).encode()))
    assert (cache.synced, dict(cache.items)) == (True, {})


async def test_pages_are_one_list() -> None:
    script = Script(
        a_page(a_thing("a", 1), version=5, more="token"),
        a_page(a_thing("b", 2), version=5),
    )
    assert dict((await follow(script, page=1)).items) == {"a": "good", "b": "good"}
    assert script.queries == [{"limit": "1"}, {"limit": "1", "continue": "token"}]
    assert script.watched_from == ["5"]


async def test_a_page_that_is_too_large_is_asked_for_again_in_halves_and_small_ones_grow() -> None:
    full, padding = a_page(version=5, padding=PAGE_BYTES), PAGE_BYTES // 2
    script = Script(
        full,
        full,
        a_page(a_thing("a", 1), version=5, more="1", padding=padding),
        a_page(a_thing("b", 1), version=5, more="2"),
        a_page(a_thing("c", 1), version=5),
    )
    cache = await follow(script)
    assert dict(cache.items) == dict.fromkeys("abc", "good")
    assert [(query["limit"], query.get("continue")) for query in script.queries] == [
        ("500", None),
        ("250", None),
        ("125", None),
        ("125", "1"),
        ("250", "2"),
    ]


async def test_one_object_may_be_larger_than_a_page() -> None:
    large = a_page(a_thing("a", 1), version=5, padding=PAGE_BYTES)
    cache = await follow(Script(large, large), page=2)
    assert dict(cache.items) == {"a": "good"}


async def test_events_change_the_cache_and_move_the_version() -> None:
    events = [
        an_event("ADDED", a_thing("b", 6)),
        an_event("MODIFIED", a_thing("a", 7, "better")),
        an_event("DELETED", a_thing("b", 8)),
        a_bookmark(9),
    ]
    script = Script(a_page(a_thing("a", 1), version=5), events)
    cache = await follow(script)
    assert dict(cache.items) == {"a": "better"}
    assert cache.resource_version == "9"


async def test_a_watch_that_ends_or_breaks_goes_on_where_it_was() -> None:
    script = Script(
        a_page(version=5),
        [an_event("ADDED", a_thing("a", 6))],
        Unreachable("cut"),
        ApiError(500, "InternalError", ""),
        ApiError(429, "TooManyRequests", ""),
        [an_event("ADDED", a_thing("b", 7))],
    )
    cache = await follow(script)
    assert dict(cache.items) == {"a": "good", "b": "good"}
    assert script.watched_from == ["5", "6", "6", "6", "6", "7"]


@pytest.mark.parametrize(
    "step",
    [
        pytest.param([an_expiry()], id="as-an-event"),
        pytest.param(ApiError(410, "Gone", ""), id="as-a-status"),
        pytest.param(ApiError(403, "Forbidden", ""), id="permission-lost"),
        pytest.param([b"<html>"], id="not-an-event"),
        pytest.param(Silence("nothing was said"), id="silence"),
    ],
)
async def test_a_version_that_is_gone_is_listed_again(step: list[bytes] | Exception) -> None:
    """What went away meanwhile is gone, what stayed is not reported again."""
    told: list[tuple[str, str | None, str | None]] = []
    script = Script(
        a_page(a_thing("a", 1), a_thing("b", 2), version=5),
        step,
        a_page(a_thing("a", 1), a_thing("c", 9, "new"), version=10),
    )
    cache = await follow(script, on_change=lambda *change: told.append(change))
    assert dict(cache.items) == {"a": "good", "c": "new"}
    assert told == [("a", None, "good"), ("b", None, "good"), ("b", "good", None), ("c", None, "new")]
    assert script.watched_from == ["5", "10"]


async def test_lists_that_fail_are_repeated() -> None:
    script = Script(Unreachable("away"), ApiError(403, "Forbidden", ""), b"<html>", a_page(a_thing("a", 1), version=5))
    assert dict((await follow(script)).items) == {"a": "good"}


async def test_an_object_that_cannot_be_used_keeps_its_last_good_value() -> None:
    told: list[tuple[str, str | None, str | None]] = []
    script = Script(
        a_page(a_thing("a", 1), a_thing("b", 2, "bad"), version=5),
        [an_event("MODIFIED", a_thing("a", 6, "bad"))],
    )
    cache = await follow(script, on_change=lambda *change: told.append(change))
    assert dict(cache.items) == {"a": "good"}
    assert {key: fault.pointer for key, fault in cache.faults.items()} == {"a": "/value", "b": "/value"}
    assert told == [("a", None, "good"), ("b", None, None), ("a", "good", "good")]


@pytest.mark.parametrize(
    ("event", "items"),
    [
        pytest.param(an_event("MODIFIED", a_thing("a", 6, "mended")), {"a": "mended"}, id="mended"),
        pytest.param(an_event("DELETED", a_thing("a", 6, "bad")), {}, id="deleted"),
    ],
)
async def test_a_fault_ends_with_its_object(event: bytes, items: dict[str, str]) -> None:
    cache = await follow(Script(a_page(a_thing("a", 1, "bad"), version=5), [event]))
    assert dict(cache.items) == items
    assert dict(cache.faults) == {}


@pytest.mark.parametrize("value", RAISES)
@pytest.mark.parametrize("listed", [True, False], ids=["listed", "watched"])
async def test_whatever_an_object_does_to_its_decoder_is_a_fault_of_that_object(value: str, *, listed: bool) -> None:
    """The others are there, the fault is a short value, and the namespace is known to be incomplete."""
    bad = a_thing("a", 6, value, namespace="n")
    things, events = ([bad], []) if listed else ([], [an_event("ADDED", bad)])
    script = Script(
        a_page(*things, a_thing("b", 1), version=7), [*events, an_event("ADDED", a_thing("c", 8, namespace="n"))]
    )
    cache = await follow(script)
    assert dict(cache.items) == {"b": "good", "n/c": "good"}
    (fault,) = cache.faults.values()
    assert isinstance(fault, Fault)
    assert len(fault.pointer + fault.reason) < 2000
    assert (cache.has_faults("n"), cache.has_faults("")) == (True, False)


@pytest.mark.parametrize("levels", [300, 1_500, 100_000])
@pytest.mark.parametrize("listed", [True, False], ids=["listed", "watched"])
async def test_what_is_nested_where_nobody_reads_does_not_matter(levels: int, *, listed: bool) -> None:
    deep = json.dumps(a_thing("a", 6)).replace('"value"', '"deep": ' + "[" * levels + "]" * levels + ', "value"')
    plain = json.dumps(a_thing("a", 6))
    page, event = a_page(a_thing("a", 6), version=7).decode(), an_event("ADDED", a_thing("a", 6)).decode()
    if listed:
        script = Script(page.replace(plain, deep).encode())
    else:
        script = Script(a_page(version=5), [event.replace(plain, deep).encode()])
    cache = await follow(script)
    assert (dict(cache.items), dict(cache.faults)) == ({"a": "good"}, {})


async def test_after_a_restore_of_etcd_a_version_may_mean_another_object() -> None:
    """A list older than what is held, with an object of the version that is held: everything is taken as it is."""
    script = Script(
        a_page(a_thing("a", 4), a_thing("b", 9), version=9),
        Silence("nothing was said"),
        a_page(a_thing("a", 4, "another"), version=5),
    )
    cache = await follow(script)
    assert dict(cache.items) == {"a": "another"}
    assert script.watched_from == ["9", "5"]


async def test_waiting_for_a_change() -> None:
    script = Script(a_page(version=5))

    async def look(cache: Cache[str]) -> None:
        assert not await cache.changed(0.01)
        first, second = asyncio.create_task(cache.changed(5)), asyncio.create_task(cache.changed(5))
        await asyncio.sleep(0)
        cache._apply(read_event(an_event("ADDED", a_thing("a", 6))))
        assert await first
        assert await second
        assert not await cache.changed(0.01)
        assert cache._waiting == []

    await follow(script, look)


async def test_trust_lasts_while_the_watch_is_open() -> None:
    async def look(cache: Cache[str]) -> None:
        now = clock()
        assert cache.age(now=now) < 1
        assert now + WATCH_SILENCE - 1 < cache.trusted_until <= now + WATCH_SILENCE

    cache = await follow(Script(a_page(version=5)), look)
    assert cache.trusted_until < clock() + module.RECONNECT + 1, "the watch is closed now"


def test_a_cache_that_was_never_filled_is_not_to_be_trusted() -> None:
    cache = Cache(Script(), THINGS, decode=decode)
    assert cache.trusted_until == float("-inf")
    assert cache.age(now=0.0) == float("inf")
