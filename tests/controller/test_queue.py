"""Keys are looked at once, never twice at the same time, and again after a failure."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tiergate.cluster.client import ApiError, Unreachable
from tiergate.controller.queue import Budget, Work, WorkQueue


def run_for(seconds: float, work: Work, prepare: Callable[[WorkQueue], Awaitable[None]]) -> WorkQueue:
    """Run a queue while `prepare` feeds it, and a little longer."""

    async def scene() -> WorkQueue:
        queue = WorkQueue("test", work)
        running = asyncio.create_task(queue.run())
        await prepare(queue)
        await asyncio.sleep(seconds)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return queue

    return asyncio.run(scene())


def test_a_key_added_many_times_is_looked_at_once() -> None:
    """A burst of events about one object costs one look."""
    seen: list[str] = []

    async def work(key: str) -> None:
        seen.append(key)

    async def prepare(queue: WorkQueue) -> None:
        for key in ("a", "b", "a", "a"):
            queue.add(key)

    run_for(0.05, work, prepare)
    assert seen == ["a", "b"]


def test_a_key_added_during_its_look_is_looked_at_again_afterwards() -> None:
    """No event is lost, and no key is in work twice at once."""
    running: set[str] = set()
    looks: list[str] = []

    async def work(key: str) -> None:
        assert key not in running
        running.add(key)
        await asyncio.sleep(0.02)
        looks.append(key)
        running.discard(key)

    async def prepare(queue: WorkQueue) -> None:
        queue.add("a")
        await asyncio.sleep(0.01)
        queue.add("a")
        queue.add("a")

    run_for(0.1, work, prepare)
    assert looks == ["a", "a"]


def test_one_slow_key_does_not_hold_up_the_others() -> None:
    """Keys are looked at together."""
    done: list[str] = []

    async def work(key: str) -> None:
        await asyncio.sleep(10 if key == "slow" else 0)
        done.append(key)

    async def prepare(queue: WorkQueue) -> None:
        queue.add("slow")
        queue.add("quick")

    run_for(0.05, work, prepare)
    assert done == ["quick"]


@pytest.mark.parametrize(
    ("error", "reported"),
    [
        pytest.param(ApiError(409, "Conflict", "modified"), False, id="conflict"),
        pytest.param(ApiError(403, "Forbidden", "no"), True, id="refused"),
        pytest.param(Unreachable("gone"), True, id="unreachable"),
    ],
)
def test_a_failed_key_comes_back(error: Exception, *, reported: bool) -> None:
    """What failed is tried again; a first conflict is ordinary and not reported, anything else is, until it passes."""
    attempts: list[str] = []
    errors: list[str | None] = []

    async def work(key: str) -> None:
        attempts.append(key)
        if len(attempts) == 1:
            raise error

    async def scene() -> WorkQueue:
        queue = WorkQueue("test", work, on_error=lambda key: errors.append(queue.errors.get(key)))
        running = asyncio.create_task(queue.run())
        queue.add("a")
        await asyncio.sleep(0.4)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return queue

    queue = asyncio.run(scene())
    assert attempts == ["a", "a"]
    assert errors == ([str(error), None] if reported else [])
    assert queue.errors == {}


def test_events_do_not_make_a_failing_key_spin() -> None:
    """A key that fails while everything around it changes is tried a few times a second, not at every event."""
    attempts: list[str] = []

    async def work(key: str) -> None:
        attempts.append(key)
        raise Unreachable("gone")

    async def prepare(queue: WorkQueue) -> None:
        for _ in range(30):
            queue.add("a")
            await asyncio.sleep(0.01)

    run_for(0.05, work, prepare)
    assert len(attempts) == 2


def test_a_bug_ends_the_run_and_nothing_is_forgotten() -> None:
    """The supervisor hears of it; the next run looks at what was in work and what was waiting."""
    seen: list[str] = []

    async def work(key: str) -> None:
        seen.append(key)
        if len(seen) == 1:
            raise KeyError(key)

    async def scene() -> None:
        queue = WorkQueue("test", work)
        queue.add("a")
        queue.add("b")
        with pytest.raises(ExceptionGroup):
            await queue.run()
        running = asyncio.create_task(queue.run())
        await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scene())
    assert seen[0] == "a"
    assert set(seen[1:]) == {"a", "b"}


def test_the_earlier_of_two_times_counts() -> None:
    """A key that is due soon is not put off by a later wish, and adding it now makes it due now."""
    seen: list[str] = []

    async def work(key: str) -> None:
        seen.append(key)

    async def prepare(queue: WorkQueue) -> None:
        queue.add_later("a", 0.02)
        queue.add_later("a", 60)
        queue.add_later("b", 60)
        queue.add("b")

    run_for(0.08, work, prepare)
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
