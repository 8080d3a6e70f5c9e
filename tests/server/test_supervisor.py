"""A task that fails runs again, and is a reason not to be ready until it is well."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tiergate.process.supervisor import Supervisor

QUICK = 0.02


async def supervise(task: Callable[[], Awaitable[None]], look: Callable[[Supervisor], Awaitable[None]]) -> None:
    supervisor = Supervisor({"task": task}, first_pause=QUICK, longest_pause=4 * QUICK, healthy_after=QUICK)
    supervisor.start()
    try:
        await look(supervisor)
    finally:
        await supervisor.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for knows nothing of events
            await asyncio.sleep(QUICK / 10)


class Breaks:
    """Fails so many times, then runs for ever."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.starts = 0

    async def task(self) -> None:
        """Run once."""
        self.starts += 1
        if self.starts <= self.times:
            raise RuntimeError(f"break {self.starts}")
        await asyncio.Event().wait()


async def test_a_task_that_runs_is_well() -> None:
    async def look(supervisor: Supervisor) -> None:
        await asyncio.sleep(3 * QUICK)
        assert supervisor.failing == {}

    await supervise(Breaks(0).task, look)


async def test_a_failed_task_is_a_reason_and_runs_again(caplog: pytest.LogCaptureFixture) -> None:
    task = Breaks(2)

    async def look(supervisor: Supervisor) -> None:
        await until(lambda: supervisor.failing == {"task": "RuntimeError: break 2"})
        await until(lambda: task.starts == 3)
        assert supervisor.failing, "just restarted is not yet well"
        await until(lambda: not supervisor.failing)

    await supervise(task.task, look)
    assert [record.fields["reason"] for record in caplog.records] == [  # type: ignore[attr-defined]
        "RuntimeError: break 1",
        "RuntimeError: break 2",
    ]


async def test_a_task_that_returns_has_failed() -> None:
    async def returns() -> None:
        await asyncio.sleep(0)

    async def look(supervisor: Supervisor) -> None:
        await until(lambda: supervisor.failing == {"task": "it returned"})

    await supervise(returns, look)


async def test_pauses_grow_to_a_bound(caplog: pytest.LogCaptureFixture) -> None:
    task = Breaks(5)

    async def look(_supervisor: Supervisor) -> None:
        await until(lambda: task.starts == 6)

    await supervise(task.task, look)
    pauses = [record.fields["restart_in_seconds"] / QUICK for record in caplog.records]  # type: ignore[attr-defined]
    assert pauses == pytest.approx([1, 2, 4, 4, 4])
