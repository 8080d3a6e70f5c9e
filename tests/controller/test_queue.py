"""Keys are looked at once, never twice at the same time, and again after a failure."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from tiergate.cluster.budget import Budget
from tiergate.cluster.errors import ApiError, Unreachable
from tiergate.controller.queue import LONGEST_PAUSE, WorkQueue


@asynccontextmanager
async def running(queue: WorkQueue, *, then: float = 0.0) -> AsyncIterator[WorkQueue]:
    """Run a queue while it is fed, and so many seconds longer."""
    task = asyncio.create_task(queue.run())
    try:
        yield queue
        await asyncio.sleep(then)
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_key_added_many_times_is_looked_at_once() -> None:
    """A burst of events about one object costs one look."""
    seen: list[str] = []

    async def work(key: str) -> None:
        seen.append(key)

    async with running(WorkQueue("test", work), then=1) as queue:
        for key in ("a", "b", "a", "a"):
            queue.add(key)
    assert seen == ["a", "b"]


async def test_a_key_added_during_its_look_is_looked_at_again_afterwards() -> None:
    """No event is lost, and no key is in work twice at once."""
    busy: set[str] = set()
    looks: list[str] = []

    async def work(key: str) -> None:
        assert key not in busy
        busy.add(key)
        await asyncio.sleep(0.02)
        looks.append(key)
        busy.discard(key)

    async with running(WorkQueue("test", work), then=1) as queue:
        queue.add("a")
        await asyncio.sleep(0.01)
        queue.add("a")
        queue.add("a")
    assert looks == ["a", "a"]


async def test_one_slow_key_does_not_hold_up_the_others() -> None:
    """Keys are looked at together."""
    done: list[str] = []

    async def work(key: str) -> None:
        await asyncio.sleep(10 if key == "slow" else 0)
        done.append(key)

    async with running(WorkQueue("test", work), then=1) as queue:
        queue.add("slow")
        queue.add("quick")
    assert done == ["quick"]


def unexpected(text: str) -> str:
    return f"unexpected: {text}; the controller's log says more"


@pytest.mark.parametrize(
    ("error", "reported"),
    [
        pytest.param(ApiError(409, "Conflict", "modified"), "", id="conflict"),
        pytest.param(ApiError(403, "Forbidden", "no"), "403 Forbidden: no", id="refused"),
        pytest.param(Unreachable("gone"), "gone", id="unreachable"),
        pytest.param(KeyError("a"), unexpected("'a'"), id="a-bug"),
        pytest.param(ExceptionGroup("several", [ValueError()]), unexpected("several (1 sub-exception)"), id="group"),
        pytest.param(msgspec.ValidationError("Expected"), unexpected("Expected"), id="an-odd-answer"),
    ],
)
async def test_a_failed_key_comes_back(error: Exception, reported: str) -> None:
    """What failed is tried again; a first conflict is ordinary and not reported, anything else is, until it passes."""
    attempts: list[str] = []
    errors: list[str | None] = []

    async def work(key: str) -> None:
        attempts.append(key)
        if len(attempts) == 1:
            raise error

    queue = WorkQueue("test", work, on_error=lambda key: errors.append(queue.errors.get(key)))
    async with running(queue, then=5):
        queue.add("a")
    assert attempts == ["a", "a"]
    assert errors == ([reported, None] if reported else [])
    assert queue.errors == {}


async def test_events_do_not_make_a_failing_key_spin() -> None:
    """A key that fails while everything around it changes is tried a few times a second, not at every event."""
    attempts: list[str] = []

    async def work(key: str) -> None:
        attempts.append(key)
        raise Unreachable("gone")

    async with running(WorkQueue("test", work)) as queue:
        for _ in range(30):
            queue.add("a")
            await asyncio.sleep(0.01)
    assert len(attempts) == 2


async def test_a_key_that_always_fails_disturbs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """It is named, its pauses grow, and the others, also those in work at the same time, are done once each."""
    seen: Counter[str] = Counter()

    async def work(key: str) -> None:
        seen[key] += 1
        await asyncio.sleep(0.01)
        if key == "bad":
            raise RuntimeError("a bug")
        await asyncio.sleep(0.05)

    async with running(WorkQueue("test", work), then=600) as queue:
        for key in ("a", "bad", "b", "c"):
            queue.add(key)
    assert queue.errors == {"bad": unexpected("a bug")}
    assert 600 / LONGEST_PAUSE <= seen.pop("bad") <= 600 / LONGEST_PAUSE + 10
    assert seen == {"a": 1, "b": 1, "c": 1}
    fields = caplog.records[0].__dict__["fields"]
    assert (fields["key"], fields["error"]) == ("bad", unexpected("a bug"))


async def test_a_run_that_is_cancelled_forgets_nothing() -> None:
    """The next run looks at what was in work and what was waiting."""
    seen: list[str] = []

    async def work(key: str) -> None:
        seen.append(key)
        await asyncio.sleep(1 if len(seen) == 1 else 0)

    queue = WorkQueue("test", work)
    queue.add("a")
    async with running(queue, then=0.5):
        pass
    queue.add("b")
    async with running(queue, then=5):
        pass
    assert seen[0] == "a"
    assert set(seen[1:]) == {"a", "b"}


async def test_the_earlier_of_two_times_counts() -> None:
    """A key that is due soon is not put off by a later wish, and adding it now makes it due now."""
    seen: list[str] = []

    async def work(key: str) -> None:
        seen.append(key)

    async with running(WorkQueue("test", work), then=1) as queue:
        queue.add_later("a", 0.02)
        queue.add_later("a", 60)
        queue.add_later("b", 60)
        queue.add("b")
    assert seen == ["b", "a"]


def test_a_budget_allows_a_burst_and_then_a_rate() -> None:
    """Three at once, then one each two seconds; a quiet time fills it up again, and no further."""
    budget = Budget(burst=3, interval=2)
    for _ in range(3):
        assert budget.wait("a", now=10) == 0
        budget.spend("a", now=10)
    assert budget.wait("a", now=10) == 2
    assert budget.wait("a", now=11.5) == 0.5
    assert budget.wait("b", now=10) == 0
    for _ in range(3):
        assert budget.wait("a", now=1000) == 0
        budget.spend("a", now=1000)
    assert budget.wait("a", now=1000) == 2


def test_a_budget_forgets_keys_that_may_write_again() -> None:
    """Tiers and namespaces come and go for ever; nobody has to remember to forget them."""
    budget = Budget(burst=6, interval=60.0)
    for number in range(10_000):
        budget.spend(f"tier-{number}", now=float(number))
    assert len(budget) <= 256
    assert budget.wait("tier-0", now=10_000.0) == 0
    for _ in range(6):
        budget.spend("busy", now=10_000.0)
    for number in range(1000):
        budget.spend(f"other-{number}", now=10_001.0)
    assert budget.wait("busy", now=10_001.0) > 0
