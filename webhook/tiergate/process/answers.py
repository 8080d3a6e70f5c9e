"""Short answers: one place that turns status, text and headers into ASGI messages."""

import asyncio
from typing import Final

from tiergate.process.service import Receive, Send

JSON: Final = b"application/json"
TEXT: Final = b"text/plain; charset=utf-8"
CONTENT_TYPE: Final = b"content-type"
CONTENT_LENGTH: Final = b"content-length"
ALLOW: Final = b"allow"
AFTERMATH: Final = 256 * 2**20
"""Bytes of a refused body that are still read and dropped."""
AFTERMATH_SECONDS: Final = 10.0
CLOSE: Final = (b"connection", b"close")

Header = tuple[bytes, bytes]


async def respond(
    send: Send, status: int, body: bytes, *, content_type: bytes = TEXT, headers: tuple[Header, ...] = ()
) -> None:
    """Send one whole response."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(CONTENT_TYPE, content_type), (CONTENT_LENGTH, b"%d" % len(body)), *headers],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def refuse(receive: Receive, send: Send, status: int, text: bytes, *, headers: tuple[Header, ...] = ()) -> None:
    """Answer without having read the body, then read and drop what is left of it, within bounds.

    A client that is still sending would miss the answer on a connection torn down under it; and after a body that was
    read to its end the connection goes on. The server closes a connection whose body exceeds the bounds.
    """
    await respond(send, status, text, headers=headers)
    dropped = 0
    try:
        async with asyncio.timeout(AFTERMATH_SECONDS):
            while dropped <= AFTERMATH:
                message = await receive()
                if message["type"] != "http.request" or not message["more_body"]:
                    return
                dropped += len(message["body"])
    except TimeoutError:
        return  # too slow: the server closes the connection


async def not_found(receive: Receive, send: Send) -> None:
    """Answer 404."""
    await refuse(receive, send, 404, b"no such path\n")


async def method_not_allowed(receive: Receive, send: Send, allowed: bytes) -> None:
    """Answer 405 with the methods that would do."""
    await refuse(receive, send, 405, b"method not allowed\n", headers=((ALLOW, allowed),))
