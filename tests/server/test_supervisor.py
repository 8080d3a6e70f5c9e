"""A task that fails runs again, and is a reason not to be ready until it is well."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.virtual_time import at_virtual_time
from tiergate.process.supervisor import HEALTHY_AFTER, LONGEST_PAUSE, Supervisor


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


async def failing(task: Callable[[], Awaitable[None]], *times: float) -> list[dict[str, str]]:
    """Return what a supervisor says is failing so many seconds after the start, at each of some times."""
    supervisor, found = Supervisor({"task": task}), list[dict[str, str]]()
    supervisor.start()
    start = asyncio.get_running_loop().time()
    for time in times:
        await asyncio.sleep(start + time - asyncio.get_running_loop().time())
        found.append(dict(supervisor.failing))
    await supervisor.stop()
    return found


@at_virtual_time
async def test_a_task_that_runs_is_well() -> None:
    assert await failing(Breaks(0).task, 3 * HEALTHY_AFTER) == [{}]


def test_a_failed_task_is_a_reason_and_runs_again(caplog: pytest.LogCaptureFixture) -> None:
    """It fails at once, again half a second later, and runs from a second after that on: just restarted is not well."""
    task, second = Breaks(2), {"task": "RuntimeError: break 2"}

    @at_virtual_time
    async def story() -> None:
        assert await failing(task.task, 0.1, 0.6, 1.6, 1.4 + HEALTHY_AFTER, 1.6 + HEALTHY_AFTER) == [
            {"task": "RuntimeError: break 1"}, second, second, second, {},
        ]  # fmt: skip

    story()
    assert task.starts == 3
    assert [record.fields["reason"] for record in caplog.records] == [  # type: ignore[attr-defined]
        "RuntimeError: break 1",
        "RuntimeError: break 2",
    ]


@at_virtual_time
async def test_a_task_that_returns_has_failed() -> None:
    async def returns() -> None:
        await asyncio.sleep(0)

    assert await failing(returns, 0.1) == [{"task": "it returned"}]


def test_pauses_grow_to_a_bound(caplog: pytest.LogCaptureFixture) -> None:
    task = Breaks(9)

    @at_virtual_time
    async def story() -> None:
        await failing(task.task, 20 * LONGEST_PAUSE)

    story()
    pauses = [record.fields["restart_in_seconds"] for record in caplog.records]  # type: ignore[attr-defined]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
