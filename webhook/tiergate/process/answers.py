"""Short answers: one place that turns status, text and headers into ASGI messages."""

from typing import Final

from tiergate.process.service import Send

JSON: Final = b"application/json"
TEXT: Final = b"text/plain; charset=utf-8"
CONTENT_TYPE: Final = b"content-type"
CONTENT_LENGTH: Final = b"content-length"
ALLOW: Final = b"allow"
AFTERMATH: Final = 256 * 2**20
"""Bytes of a refused body that the server still reads and drops."""
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


async def refuse(send: Send, status: int, text: bytes, *, headers: tuple[Header, ...] = ()) -> None:
    """Answer without having read the body.

    A client that is still sending would miss the answer on a connection torn down under it: the server reads what is
    left and drops it, within bounds (see worker), and after a body that came to its end the connection goes on.
    """
    await respond(send, status, text, headers=headers)


async def not_found(send: Send) -> None:
    """Answer 404."""
    await refuse(send, 404, b"no such path\n")


async def method_not_allowed(send: Send, allowed: bytes) -> None:
    """Answer 405 with the methods that would do."""
    await refuse(send, 405, b"method not allowed\n", headers=((ALLOW, allowed),))
