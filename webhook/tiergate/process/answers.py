"""Short responses: status, text and headers as ASGI messages."""

from typing import Final

from tiergate.process.service import Send

JSON: Final = b"application/json"
TEXT: Final = b"text/plain; charset=utf-8"
CONTENT_TYPE: Final = b"content-type"
CONTENT_LENGTH: Final = b"content-length"
ALLOW: Final = b"allow"
MAX_DISCARDED_BYTES: Final = 256 * 2**20
"""Bytes of a refused body that the server reads and discards; a longer one ends the connection."""
CLOSE: Final = (b"connection", b"close")
LENGTH_REQUIRED: Final = b"HTTP/1.1 411 Length Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
"""The whole answer to a request whose body has no length; it is the last of its connection."""
RETRY_AFTER: Final = (b"retry-after", b"1")
ANSWERED: Final = "tiergate.answered"
"""In a scope's state: what to call when a review was answered, so that its connection is not a stranger's any more."""
HOLD: Final = "tiergate.hold"
"""In a scope's state: holds an answer back for some seconds, and says whether it must be the connection's last one."""

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


async def refuse(send: Send, status: int, text: bytes, *, headers: tuple[Header, ...] = ()) -> None:
    """Answer without reading the body.

    A client that is still sending would miss the answer if the connection were closed. The server reads the rest of the
    body and discards it, within bounds (see worker). After the end of that body the connection stays usable.
    """
    await respond(send, status, text, headers=headers)


async def not_found(send: Send) -> None:
    """Answer 404."""
    await refuse(send, 404, b"no such path\n")


async def method_not_allowed(send: Send, allowed: bytes) -> None:
    """Answer 405 with the allowed methods."""
    await refuse(send, 405, b"method not allowed\n", headers=((ALLOW, allowed),))
