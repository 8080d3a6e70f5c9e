"""Live reads: the API server is asked few questions at once, and no answer is older than its question."""

from __future__ import annotations

import asyncio
import gc
import itertools
from contextlib import suppress

import pytest

from tiergate.cluster.errors import ApiError, Unreachable
from tiergate.server.live import MOST_WAITING, LiveReads

VIRTUAL_TIME = True


class Server:
    """Answers each call after a second with the number of calls that had begun before; notes how many run at once."""

    def __init__(self) -> None:
        self.calls = self.running = self.most = 0
        self.timeouts: list[float] = []
        self.error: Exception | None = None

    async def call(self, timeout: float) -> int:  # noqa: ASYNC109 - as LiveReads hands it on
        number = self.calls
        self.calls += 1
        self.running += 1
        self.most = max(self.most, self.running)
        self.timeouts.append(timeout)
        try:
            await asyncio.sleep(1)
        finally:
            self.running -= 1
        if self.error is not None:
            raise self.error
        return number


async def test_those_who_come_during_a_read_share_the_next_one() -> None:
    """The first is answered by a read of his own; ten who come while it is under way by one that began later."""
    server, reads = Server(), LiveReads[int]()
    first = asyncio.create_task(reads.read("a", server.call, peer="", timeout=5))
    await asyncio.sleep(0.5)
    later = [asyncio.create_task(reads.read("a", server.call, peer="", timeout=number)) for number in range(2, 12)]
    assert await first == 0
    assert await asyncio.gather(*later) == [1] * 10
    assert (server.calls, server.timeouts) == (2, [5, 11])
    assert await reads.read("a", server.call, peer="", timeout=5) == 2


async def test_few_reads_are_under_way_at_once_whatever_is_asked() -> None:
    server, reads = Server(), LiveReads[int](at_once=3)
    asked = [reads.read(number, server.call, peer="", timeout=60) for number in range(20)]
    assert sorted(await asyncio.gather(*asked)) == list(range(20))
    assert server.most == 3


async def test_reads_are_bounded_in_rate_however_quick_the_answers_are() -> None:
    async def at_once(_timeout: float) -> None:
        pass

    reads, loop = LiveReads[None](at_once=10, seconds=0.5), asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(reads.read(number, at_once, peer="", timeout=60) for number in range(10)))
    assert loop.time() - began < 0.1
    await asyncio.gather(*(reads.read(number, at_once, peer="", timeout=60) for number in range(20)))
    assert loop.time() - began > 0.9


@pytest.mark.parametrize(("peers", "wait"), [(1, MOST_WAITING // 2), (2, MOST_WAITING), (60, MOST_WAITING)])
async def test_few_wait_for_a_turn_and_others_are_told_at_once(peers: int, wait: int) -> None:
    """Who waits keeps a connection, and questions can be made up."""
    server, reads = Server(), LiveReads[int](at_once=1)
    asked = [
        asyncio.create_task(reads.read(number, server.call, peer=str(number % peers), timeout=100))
        for number in range(3 * MOST_WAITING)
    ]
    done, waiting = await asyncio.wait(asked, timeout=0.5)
    assert {type(one.exception()) for one in done} == {Unreachable}
    assert len(waiting) == wait + 1
    await asyncio.gather(*waiting)


@pytest.mark.slow
@pytest.mark.parametrize("peers", [1, 2, 5])
async def test_an_address_that_asks_little_is_next_whatever_others_make_up(peers: int) -> None:
    """Also where it asks for the same, and several things at once."""
    server, reads = Server(), LiveReads[int]()

    async def forge(number: int) -> None:
        for made_up in itertools.count(number, step=100):
            with suppress(Unreachable):
                await reads.read(made_up, server.call, peer=f"forger-{number % peers}", timeout=24)
            await asyncio.sleep(0.2)

    forging = [asyncio.create_task(forge(number)) for number in range(100)]
    await asyncio.sleep(5)
    for number in range(5):
        asked = (reads.read(number + several, server.call, peer="api-server", timeout=4) for several in range(3))
        await asyncio.gather(*asked)
        await asyncio.sleep(1)
    for task in forging:
        task.cancel()
    await asyncio.gather(*forging, return_exceptions=True)


async def test_nobody_waits_longer_than_he_has_and_what_nobody_waits_for_is_not_asked() -> None:
    server, reads = Server(), LiveReads[int](at_once=1)
    first = asyncio.create_task(reads.read("first", server.call, peer="", timeout=5))
    await asyncio.sleep(0.1)
    late = await asyncio.gather(
        *(reads.read(number, server.call, peer="", timeout=0.5) for number in range(100)), return_exceptions=True
    )
    assert {type(one) for one in late} == {Unreachable}
    assert await first == 0
    assert server.calls == 1
    assert await reads.read("first", server.call, peer="", timeout=5) == 1


async def test_an_answer_that_nobody_waits_for_any_more_frees_its_place() -> None:
    server, reads = Server(), LiveReads[int](at_once=1)
    with pytest.raises(Unreachable):
        await reads.read("a", server.call, peer="", timeout=0.5)
    await asyncio.sleep(0)
    assert server.running == 0
    assert await reads.read("a", server.call, peer="", timeout=5) == 1


async def test_an_error_that_nobody_waits_for_any_more_is_not_logged() -> None:
    told, reads = list[object](), LiveReads[int]()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))

    async def fails_when_cancelled(_timeout: float) -> int:
        try:
            return await asyncio.sleep(60, 0)
        finally:
            raise ApiError(500, "", "too late")

    with pytest.raises(Unreachable):
        await reads.read("a", fails_when_cancelled, peer="", timeout=1)
    await asyncio.sleep(1)
    gc.collect()
    assert told == []


async def test_who_comes_as_the_last_reader_leaves_does_not_share_what_is_cancelled() -> None:
    server, reads = Server(), LiveReads[int](at_once=1)
    holder = asyncio.create_task(reads.read("other", server.call, peer="", timeout=5))
    await asyncio.sleep(0.1)
    leaving = asyncio.create_task(reads.read("a", server.call, peer="", timeout=5))
    await asyncio.sleep(0.1)
    leaving.cancel()
    await asyncio.sleep(0)  # it has cancelled the read, which has not ended yet
    coming = [asyncio.create_task(reads.read("a", server.call, peer="", timeout=5)) for _ in range(3)]
    assert await asyncio.gather(holder, *coming) == [0, 1, 1, 1]


@pytest.mark.slow
async def test_an_error_is_everybodys_and_leaves_nothing_behind() -> None:
    server, reads = Server(), LiveReads[int]()
    server.error = ApiError(500, "InternalError", "")
    gc.collect()
    gc.disable()
    try:
        for _ in range(2):
            errors = await asyncio.gather(
                *(reads.read("a", server.call, peer="", timeout=5) for _ in range(3)), return_exceptions=True
            )
            assert errors == [server.error] * 3
        server.error = None
        del errors
        await asyncio.sleep(0)
        assert gc.collect() == 0
    finally:
        gc.enable()
    assert (server.calls, await reads.read("a", server.call, peer="", timeout=5)) == (2, 2)


@pytest.mark.slow
async def test_who_finds_no_place_leaves_nothing_behind() -> None:
    """A refusal that held the frame of whoever asked would hold his whole review."""
    server, reads = Server(), LiveReads[int](at_once=1)
    asked = [asyncio.create_task(reads.read(number, server.call, peer="", timeout=90)) for number in range(60)]
    await asyncio.sleep(0.5)
    gc.collect()
    gc.disable()
    try:
        for number in range(60, 63):
            with pytest.raises(Unreachable, match="too many wait"):
                await reads.read(number, server.call, peer="", timeout=5)
        await asyncio.sleep(0)
        assert gc.collect() == 0
    finally:
        gc.enable()
    await asyncio.gather(*asked, return_exceptions=True)
