"""However many connections of one address bring something at once, a pass of the loop reads others in the same pass."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from tiergate.process.deliveries import BULKY_TURN, MOST, MOST_BULKY, MOST_OF_PEER, SECONDS, Deliveries
from tiergate.process.reading import Reading, Served

FLOOD = 200
PIECE = b"x" * 1000


class Keeping(Served):
    """Keeps what it is given, and may want no more."""

    def __init__(self) -> None:
        self.received = b""
        self.held_back = False
        self.bulky = False
        self.take: Callable[[], None] = lambda: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.take()
        self.received += data

    def is_bulky(self) -> bool:
        return self.bulky

    def is_paused(self) -> bool:
        return self.held_back


class Wire(asyncio.Transport):
    """A connection whose bytes wait until they are read: of TLS decrypted, else by the system's call."""

    def __init__(self, deliveries: Deliveries, peer: str, *, encrypted: bool) -> None:
        super().__init__()
        self.protocol = Keeping()
        buffer = memoryview(bytearray(2**15))
        self.reading = Reading(self.protocol, buffer, deliveries, lambda: None, peer=peer, encrypted=encrypted)
        self.unread = b""
        self.paused = False
        self.ended = False
        self.reading.connection_made(self)

    def set_read_buffer_limits(self, high: int, low: int) -> None:
        pass

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        if self.paused:
            self.paused = False
            asyncio.get_running_loop().call_soon(self.read)

    def is_closing(self) -> bool:
        return self.ended

    def bring(self, data: bytes) -> None:
        self.unread += data
        self.read()

    def read(self) -> None:
        if self.paused or not self.unread:
            return
        buffer = self.reading.get_buffer(len(self.unread))
        data, self.unread = self.unread[: len(buffer)], self.unread[len(buffer) :]
        if data:
            buffer[: len(data)] = data
            self.reading.buffer_updated(len(data))


def wires(count: int, deliveries: Deliveries, peer: str = "192.0.2.1", *, encrypted: bool = True) -> list[Wire]:
    return [Wire(deliveries, peer, encrypted=encrypted) for _ in range(count)]


def bring(*some: Wire, data: bytes = PIECE) -> None:
    for one in some:
        one.bring(data)


def read(some: list[Wire]) -> int:
    """Return how many were read."""
    return sum(bool(one.protocol.received) for one in some)


@pytest.mark.slow
@pytest.mark.parametrize("encrypted", [True, False], ids=["tls", "plain"])
async def test_a_pass_reads_some_of_one_address_and_whoever_else_comes(*, encrypted: bool) -> None:
    deliveries = Deliveries(clock=lambda: 0.0)
    flood = wires(FLOOD, deliveries, encrypted=encrypted)
    (other,) = wires(1, deliveries, "192.0.2.2", encrypted=encrypted)
    bring(*flood, other)
    assert read(flood) == MOST_OF_PEER
    assert other.protocol.received == PIECE
    for _ in range(FLOOD):
        before, heard = read(flood), other.protocol.received
        await asyncio.sleep(0)
        bring(*flood, other)  # they go on all the time
        assert read(flood) - before <= MOST_OF_PEER
        assert len(other.protocol.received) > len(heard)
    assert read(flood) == FLOOD  # those that wait go first, before those that came again


async def test_a_crowd_of_addresses_shares_a_pass_and_each_has_its_turn() -> None:
    deliveries = Deliveries(clock=lambda: 0.0)
    crowd = [wires(4, deliveries, f"192.0.2.{number}") for number in range(50)]
    bring(*(one for several in crowd for one in several))
    assert sum(map(read, crowd)) == MOST
    for _ in range(10):
        await asyncio.sleep(0)
    assert all(map(read, crowd))  # one of each, before the second of most
    assert sum(map(read, crowd)) < 4 * 50
    for _ in range(20):
        await asyncio.sleep(0)
    assert [read(several) for several in crowd] == [4] * 50


@pytest.mark.parametrize("encrypted", [True, False], ids=["tls", "plain"])
async def test_what_waited_comes_whole_and_in_order(*, encrypted: bool) -> None:
    deliveries = Deliveries(1, 1, clock=lambda: 0.0)
    first, second = wires(2, deliveries, encrypted=encrypted)
    for number in range(20):
        bring(first, second, data=b"%d," % number)
    for _ in range(200):
        await asyncio.sleep(0)
    expected = b"".join(b"%d," % number for number in range(20))
    assert first.protocol.received == second.protocol.received == expected


@pytest.mark.parametrize("encrypted", [True, False], ids=["tls", "plain"])
async def test_who_wants_no_bytes_is_not_made_to_read_and_who_has_ended_neither(*, encrypted: bool) -> None:
    deliveries = Deliveries(1, 1, clock=lambda: 0.0)
    first, held, ended = wires(3, deliveries, encrypted=encrypted)
    bring(first, held, ended)
    held.protocol.held_back = True
    ended.ended = True
    for _ in range(10):
        await asyncio.sleep(0)
    assert held.paused
    assert ended.protocol.received == b""
    held.protocol.held_back = False
    held.resume_reading()  # as the protocol does itself
    for _ in range(10):
        await asyncio.sleep(0)
    assert held.protocol.received == PIECE


async def test_in_a_quiet_moment_everything_is_read_at_once() -> None:
    deliveries = Deliveries(clock=lambda: 0.0)
    several = wires(MOST_OF_PEER, deliveries)
    for _ in range(5):
        bring(*several)
        assert not any(one.paused for one in several)
        await asyncio.sleep(0)
    assert all(one.protocol.received == 5 * PIECE for one in several)


@pytest.mark.parametrize("encrypted", [True, False], ids=["tls", "plain"])
@pytest.mark.parametrize("part", [0.4, 1.0, 3.0])
async def test_a_pass_lasts_no_longer_than_it_may_and_all_go_on_in_turn(part: float, *, encrypted: bool) -> None:
    """Few bytes may take long, as in tiny TLS records: then fewer are read in a pass, and none waits for ever."""
    now = [0.0]
    deliveries = Deliveries(seconds=SECONDS, clock=lambda: now[0])
    flood = wires(FLOOD, deliveries, encrypted=encrypted)
    (other,) = wires(1, deliveries, "192.0.2.2", encrypted=encrypted)

    def take() -> None:
        now[0] += part * SECONDS

    for one in (*flood, other):
        one.protocol.take = take
    for turn in range(4 * FLOOD):
        before = now[0]
        bring(*(one for one in (*flood, other) if not one.unread))  # all the time
        await asyncio.sleep(0)
        assert now[0] - before < (2 + 2 * part) * SECONDS  # what came, and those whose turn it was
        assert len(other.protocol.received) >= (turn // 4) * len(PIECE)
    assert read(flood) == FLOOD


async def test_an_ordinary_review_goes_before_the_bulky_bodies_of_its_address_and_these_go_on() -> None:
    deliveries = Deliveries(clock=lambda: 0.0)
    bulky, ordinary = wires(40, deliveries), wires(40, deliveries)
    for one in bulky:
        one.protocol.bulky = True
    bring(*bulky)
    assert read(bulky) == MOST_BULKY
    bring(ordinary[0])
    assert read(ordinary) == 1  # there is a place left in the same pass
    bring(*ordinary)
    await asyncio.sleep(0)  # their turns begin
    for _ in range(2):
        heard, taken = read(ordinary), read(bulky)
        await asyncio.sleep(0)
        assert read(bulky) - taken == MOST_OF_PEER // BULKY_TURN
        assert read(ordinary) - heard == MOST_OF_PEER - MOST_OF_PEER // BULKY_TURN
    for _ in range(8):
        await asyncio.sleep(0)
    assert read(ordinary) == read(bulky) == 40


async def test_who_asks_for_a_turn_waits_behind_its_own_address_only() -> None:
    deliveries = Deliveries(4, 2, clock=lambda: 0.0)
    flood = [asyncio.create_task(deliveries.turn("192.0.2.1")) for _ in range(40)]
    await asyncio.sleep(0)
    assert sum(one.done() for one in flood) == 2
    for one in flood[10:20]:
        one.cancel()
    other = asyncio.create_task(deliveries.turn("192.0.2.2"))
    for _ in range(4):
        await asyncio.sleep(0)
    assert other.done()
    assert sum(one.done() for one in flood) < 30
    for _ in range(40):
        await asyncio.sleep(0)
    assert all(one.done() for one in flood)
