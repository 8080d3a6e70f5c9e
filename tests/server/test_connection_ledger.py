"""How many connections there may be, and who makes room."""

import asyncio
import socket
from typing import cast

from tiergate.process.connections import Acceptor, Connections, Entry, Served


class Known(Entry):
    """An entry whose end is seen."""

    ended = False

    def abort(self) -> None:
        self.ended = True


class Answering(Known):
    """A client that waits for us."""

    def waiting_since(self) -> float | None:
        return None


def test_the_greediest_address_loses_the_connection_that_waited_longest() -> None:
    connections = Connections(4)
    few, oldest, older, newest = Known("2.2.2.2", 0), Known("1.1.1.1", 1), Known("1.1.1.1", 2), Known("1.1.1.1", 3)
    for one in (few, newest, oldest, older):
        assert connections.enter(one)
    assert connections.enter(Known("3.3.3.3", 9))
    assert [one.ended for one in (few, oldest, older, newest)] == [False, True, False, False]


def test_what_is_being_answered_is_never_closed() -> None:
    connections = Connections(2)
    answered, idle = Answering("1.1.1.1", 0), Known("2.2.2.2", 1)
    others = Answering("1.1.1.1", 0)
    assert connections.enter(answered)
    assert connections.enter(idle)
    assert connections.enter(others)
    assert idle.ended
    assert not connections.enter(Known("3.3.3.3", 2))
    assert not answered.ended
    connections.leave(answered)
    assert connections.enter(Known("3.3.3.3", 2))


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
