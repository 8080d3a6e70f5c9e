"""How many connections there may be, and who makes room."""

import asyncio
import socket
from typing import cast

from tiergate.process.connections import Acceptor, Connections, Entry, Served


class Known(Entry):
    """An entry whose end is seen; it keeps us waiting since a time, or not at all."""

    def __init__(self, peer: str, since: float | None = None) -> None:
        super().__init__(peer)
        self.since = since
        self.ended = False

    def waiting_since(self) -> float | None:
        return self.since

    def abort(self) -> None:
        self.ended = True


def entered(connections: Connections, *entries: Known, proved: bool = True) -> None:
    for one in entries:
        assert connections.enter(one)
        if proved:
            connections.prove(one)


def ended(*entries: Known) -> list[bool]:
    return [one.ended for one in entries]


async def test_the_greediest_address_loses_the_connection_that_was_idle_for_longest() -> None:
    connections = Connections(4)
    few, oldest, older, newest = Known("2.2.2.2", 0), Known("1.1.1.1", 1), Known("1.1.1.1", 2), Known("1.1.1.1", 3)
    entered(connections, few, newest, oldest, older)
    assert connections.enter(Known("3.3.3.3"))
    assert ended(few, oldest, older, newest) == [False, True, False, False]


async def test_what_is_being_answered_is_never_closed() -> None:
    connections = Connections(2)
    answered, others, idle = Known("1.1.1.1"), Known("1.1.1.1"), Known("2.2.2.2", 1)
    entered(connections, answered, idle, others)
    assert idle.ended
    assert not connections.enter(Known("3.3.3.3"))
    assert ended(answered, others) == [False, False]
    connections.leave(answered)
    connections.leave(answered)
    assert connections.enter(Known("3.3.3.3"))


async def test_strangers_make_room_for_strangers_whatever_their_address() -> None:
    """A crowd of addresses, each with a few connections, must not cost the API server its many."""
    connections = Connections(20, newcomers=6)
    served = [Known("api", number) for number in range(10)]
    entered(connections, *served)
    crowd = [Known(f"10.0.0.{number}") for number in range(100)]
    entered(connections, *crowd, proved=False)
    assert not any(ended(*served))
    assert ended(*crowd) == [True] * 94 + [False] * 6


async def test_a_newcomer_in_a_full_house_costs_a_stranger_first_then_whoever_has_most() -> None:
    connections = Connections(10, newcomers=4)
    served = [Known("api"), Known("api", 5), *(Known(f"10.0.0.{number}", number) for number in range(4))]
    strangers = [Known("10.1.0.1") for _ in range(4)]
    entered(connections, *served)
    entered(connections, *strangers, proved=False)
    entered(connections, Known("late"), Known("later"))
    assert ended(*strangers) == [True, True, False, False]
    entered(connections, Known("api"), Known("api"))
    assert served[1].ended, "the API server has most, and one of its connections is idle"


class Silent(Served):
    """A protocol that waits for its client for ever."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _error: Exception | None) -> None:
        self.on_lost()

    def waiting_since(self) -> float | None:
        return 0.0


def test_a_newcomer_gets_in_and_an_idle_one_is_ended() -> None:
    async def story() -> None:
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

    asyncio.run(story())
