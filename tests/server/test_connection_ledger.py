"""How many connections there may be, and who makes room."""

import asyncio
import contextlib
import socket
from typing import cast

import pytest
import uvloop

from tests.virtual_time import VirtualLoop, at_virtual_time
from tiergate.process import connections as module
from tiergate.process.connections import (
    AT_ONCE,
    GARBAGE_CONNECTIONS,
    GARBAGE_SECONDS,
    KNOWN_SECONDS,
    LEAVING,
    MAX_KNOWN,
    RECENT_SECONDS,
    Acceptor,
    Connections,
    Entry,
)
from tiergate.process.held import HeldAnswer
from tiergate.process.reading import Served

API = "10.0.0.1"


class Known(Entry):
    """An entry whose end is seen; it is idle since a time, or at work since one."""

    def __init__(self, peer: str, idle: float | None = None, *, work: float = 0.0) -> None:
        super().__init__(peer)
        self.idle = idle
        self.work = work
        self.held = False
        self.ended = False

    def waiting_since(self) -> float | None:
        return self.idle

    def working_since(self) -> float:
        return self.work

    def is_held(self) -> bool:
        return self.held

    def let_go(self) -> None:
        self.held = False

    def abort(self) -> None:
        self.ended = True


class Opening(Entry):
    """An entry in its handshake, whose end is seen."""

    ended = False

    def abort(self) -> None:
        self.ended = True


def entered(connections: Connections, *entries: Known, proved: bool = True) -> None:
    for one in entries:
        assert connections.enter(one)
        if proved:
            connections.prove(one)


def ended(*entries: Known) -> list[bool]:
    return [one.ended for one in entries]


def some(count: int, peer: str, idle: float | None = None) -> list[Known]:
    return [Known(peer, idle) for _ in range(count)]


@at_virtual_time
async def test_an_address_at_work_on_all_places_makes_room_for_others_up_to_its_share() -> None:
    """It loses what is idle first, then what has been at work for longest."""
    connections = Connections(6, strangers=1)
    longest, idle = Known("greedy", work=1), Known("greedy", idle=0.0)
    busy = [Known("greedy", work=number) for number in range(2, 6)]
    entered(connections, *busy, idle, longest)
    few = some(4, "few")
    entered(connections, few[0], proved=False)
    assert ended(idle, longest, *busy) == [True, False, False, False, False, False]
    entered(connections, few[1])
    assert ended(longest, *busy) == [True, False, False, False, False]
    entered(connections, few[2])
    assert ended(*busy) == [True, False, False, False]
    assert not connections.enter(few[3]), "both have three"
    assert not connections.enter(Known("greedy"))
    entered(connections, Known("another"))
    assert ended(*few[:3], *busy[1:]).count(True) == 1


@at_virtual_time
async def test_nobody_who_is_at_work_is_closed_for_its_own_address() -> None:
    connections = Connections(2)
    first, second = Known(API), Known(API)
    entered(connections, first, second)
    assert not connections.enter(Known(API))
    second.idle = 0.0
    entered(connections, Known(API))
    assert ended(first, second) == [False, True]
    connections.leave(first)
    connections.leave(first)
    entered(connections, Known(API))


@at_virtual_time
async def test_an_answer_that_is_held_back_is_given_when_its_place_is_wanted() -> None:
    """All tenants share the API server's address: one whose answers wait must not keep the others out."""
    connections = Connections(2 * LEAVING)
    flood = some(2 * LEAVING, API)
    entered(connections, *flood)
    assert not connections.enter(Known(API)), "all of them are at work"
    for one in flood:
        one.held = True
    entered(connections, *some(LEAVING, API))
    assert [one.held for one in flood].count(False) == LEAVING
    assert not connections.enter(Known(API)), "those who leave have not left yet"
    for one in flood:
        if not one.held:
            connections.leave(one)
    entered(connections, *some(LEAVING, API))
    assert not any(ended(*flood))


@at_virtual_time
async def test_strangers_cost_the_known_no_more_than_their_places() -> None:
    """Many addresses with few connections each, in which no review was answered, against one with many."""
    connections = Connections(30, strangers=6)
    served = some(30, API, idle=0.0)
    entered(connections, *served)
    crowd = [Known(f"10.1.0.{number % 40}", 0.0) for number in range(400)]
    entered(connections, *crowd, proved=False)
    assert ended(*served).count(True) == 7
    assert ended(*crowd).count(False) == 7
    burst = some(20, API)
    assert sum(connections.enter(one) for one in burst) == 20
    assert ended(*crowd).count(False) == 6
    assert not any(ended(*burst))


@at_virtual_time
async def test_the_known_take_all_but_the_strangers_places_from_them() -> None:
    connections = Connections(30, strangers=6)
    entered(connections, Known(API))
    crowd = [Known(f"10.1.0.{number % 10}", 0.0) for number in range(29)]
    entered(connections, *crowd, proved=False)
    entered(connections, *some(23, API))
    assert ended(*crowd).count(False) == 6
    assert not connections.enter(Known(API)), "all of its connections are at work"
    entered(connections, Known("probe"), proved=False)


@at_virtual_time
async def test_among_strangers_the_address_with_most_makes_room() -> None:
    connections = Connections(10, strangers=2)
    greedy, few = some(8, "greedy"), some(2, "few", idle=0.0)
    entered(connections, *few, *greedy, proved=False)
    entered(connections, *some(2, "new"), proved=False)
    assert ended(*few, *greedy) == [False, False, True, True, *[False] * 6]
    assert not connections.enter(Known("greedy"))


@at_virtual_time
async def test_what_was_idle_for_long_goes_before_what_was_in_use_lately() -> None:
    connections = Connections(6)
    await asyncio.sleep(RECENT_SECONDS + 1)
    used = some(4, API, idle=asyncio.get_running_loop().time() - 1)
    stale = some(2, "other", idle=0.0)
    entered(connections, *used, *stale)
    entered(connections, Known("probe"), proved=False)
    assert ended(*used, *stale) == [False] * 4 + [True, False]
    entered(connections, Known("prober"), Known("probest"), proved=False)
    assert ended(*used, *stale) == [True, False, False, False, True, True]


@at_virtual_time
async def test_an_address_is_known_for_a_while_after_its_connections() -> None:
    for later, gets_in in ((KNOWN_SECONDS - 1, True), (KNOWN_SECONDS + 1, False)):
        connections = Connections(6, strangers=2)
        one = Known(API)
        entered(connections, one)
        connections.leave(one)
        await asyncio.sleep(later)
        entered(connections, *some(3, API), *some(3, "other"), proved=False)
        assert connections.enter(Known(API)) == gets_in


@pytest.mark.slow
@at_virtual_time
async def test_the_addresses_that_are_remembered_are_few() -> None:
    connections = Connections()
    for number in range(MAX_KNOWN + 10):
        one = Known(f"10.{number}")
        entered(connections, one)
        connections.leave(one)
    assert list(connections._known_until) == [f"10.{number}" for number in range(10, MAX_KNOWN + 10)]


@at_virtual_time
async def test_of_handshakes_the_oldest_makes_room_also_for_its_own_address() -> None:
    connections = Connections(3)
    opening = [Opening("1.1.1.1") for _ in range(6)]
    for one in opening:
        await asyncio.sleep(1)
        one.since = asyncio.get_running_loop().time()
        assert connections.enter(one)
    assert [one.ended for one in opening] == [True] * 3 + [False] * 3


def test_garbage_is_collected_once_a_second_and_also_when_nobody_else_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    collections: list[float] = []
    monkeypatch.setattr(module, "give_back", lambda: collections.append(asyncio.get_running_loop().time()))

    async def story() -> None:
        connections = Connections()
        for _ in range(3 * GARBAGE_CONNECTIONS):
            one = Known(API)
            entered(connections, one)
            connections.leave(one)
            await asyncio.sleep(0)
        assert len(collections) == 1
        await asyncio.sleep(10 * GARBAGE_SECONDS)
        assert len(collections) == 2
        assert collections[1] - collections[0] == pytest.approx(GARBAGE_SECONDS, abs=0.01)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(story())


class Silent(Served):
    """A protocol that waits for its client for ever."""

    held = HeldAnswer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _error: Exception | None) -> None:
        self.on_lost()

    def waiting_since(self) -> float | None:
        return 0.0


@pytest.mark.slow
async def test_many_newcomers_of_one_moment_look_at_each_connection_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = 0

    class Looked(Known):
        def waiting_since(self) -> float | None:
            nonlocal looks
            looks += 1
            return super().waiting_since()

    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: 100.0)  # as uvloop's within one pass
    connections = Connections(200)
    there = [Looked("192.0.2.1", idle=float(number % 7)) for number in range(200)]
    entered(connections, *there, proved=False)
    newcomers = some(100, "192.0.2.1", 100.0)
    entered(connections, *newcomers, proved=False)
    assert looks < 4 * len(there)
    kept = sorted(one.idle or 0.0 for one in there if not one.ended)
    assert kept == sorted(number % 7 for number in range(200))[100:]
    assert not any(ended(*newcomers))


def test_who_makes_room_in_the_moment_it_opened_is_ended_as_a_whole() -> None:
    """Its protocol hears of it: closing the socket alone would leave that with a transport that is closed."""

    async def story() -> None:
        connections, lost = Connections(1), asyncio.Event()

        class Leaving(Silent):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                super().connection_made(transport)
                asyncio.get_running_loop().call_soon(lambda: connections.enter(Known("192.0.2.9")))

            def connection_lost(self, error: Exception | None) -> None:
                super().connection_lost(error)
                lost.set()

        with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
            accepting = asyncio.ensure_future(Acceptor(Leaving, None, connections).accept(listener))
            async with asyncio.timeout(5):
                await lost.wait()
            accepting.cancel()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as the worker's: others close in another way
        runner.run(story())


async def test_a_newcomer_gets_in_and_an_idle_one_is_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = asyncio.ensure_future(Acceptor(Silent, None, Connections(3)).accept(listener))
        opened = [await asyncio.open_connection(*listener.getsockname()) for _ in range(6)]
        ends = [asyncio.ensure_future(reader.read()) for reader, _ in opened]
        done: set[asyncio.Future[bytes]] = set()
        async with asyncio.timeout(20):
            while len(done) < 3:
                done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == 3
        for _, writer in opened:
            writer.close()
        await asyncio.wait(ends)
        accepting.cancel()


async def test_one_pass_of_the_loop_accepts_several() -> None:
    met: list[Silent] = []

    def make() -> Silent:
        met.append(Silent())
        return met[-1]

    with socket.create_server(("127.0.0.1", 0), backlog=2 * AT_ONCE) as listener, contextlib.ExitStack() as stack:
        for _ in range(AT_ONCE + 1):
            stack.enter_context(socket.create_connection(listener.getsockname()))
        accepting = asyncio.ensure_future(Acceptor(make, None, Connections()).accept(listener))
        seen: set[int] = set()
        async with asyncio.timeout(20):
            while len(met) <= AT_ONCE:
                await asyncio.sleep(0)
                seen.add(len(met))
        assert seen - {0} == {AT_ONCE, AT_ONCE + 1}
        accepting.cancel()
