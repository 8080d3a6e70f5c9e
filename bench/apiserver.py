"""A stand-in for the API server: lists, and watches in which nothing happens.

What is measured is our process with full caches; who filled them does not change its cost. The tests that ask whether
the caches are right use a real API server.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import threading
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from bench.objects import collections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BOOKMARK_SECONDS: Final = 30.0
_KEEP_ALIVE: Final = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextlib.contextmanager
def api_server(tls: Path) -> Iterator[int]:
    """Serve in a thread of its own and yield the port on loopback."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls / "tls.crt", tls / "tls.key")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="api-server", daemon=True)
    thread.start()
    try:
        server = asyncio.run_coroutine_threadsafe(_serve(context), loop).result(timeout=10)
        yield server.sockets[0].getsockname()[1]
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result(timeout=10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()


async def _serve(context: ssl.SSLContext) -> asyncio.Server:
    answer = _answers()
    return await asyncio.start_server(
        lambda reader, writer: _connection(answer, reader, writer), "127.0.0.1", 0, ssl=context
    )


async def _stop(server: asyncio.Server) -> None:
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _answers() -> Callable[[str], bytes | None]:
    """Return a function from path to the JSON of its list, or None where there is no such collection."""
    lists = {
        path: json.dumps({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items})
        for path, items in collections().items()
    }
    return lambda path: lists[path].encode() if path in lists else None


async def _connection(
    answer: Callable[[str], bytes | None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer one request after the other until the client leaves."""
    # A cancelled connection is how a watch ends here; asyncio would print it as a failure.
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            url = urlsplit(head.split(" ", 2)[1])
            body = answer(url.path)
            if body is None:
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}")
            elif "watch" in parse_qs(url.query):
                await _watch(writer)
            else:
                writer.write(f"{_KEEP_ALIVE}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
    writer.close()


async def _watch(writer: asyncio.StreamWriter) -> None:
    """Send bookmarks for ever."""
    bookmark = json.dumps({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "1"}}}) + "\n"
    writer.write(f"{_KEEP_ALIVE}Transfer-Encoding: chunked\r\n\r\n".encode())
    while True:
        writer.write(f"{len(bookmark):x}\r\n{bookmark}\r\n".encode())
        await writer.drain()
        await asyncio.sleep(BOOKMARK_SECONDS)
