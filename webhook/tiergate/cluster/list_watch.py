"""What the API server answers to a list and to a watch: what is around the objects, which stay raw; lists in pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from tiergate.cluster.client import MAX_BODY
from tiergate.cluster.errors import BodyTooLarge
from tiergate.wire.tree import shallow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from tiergate.cluster.sender import Sender

PAGE: Final = 500
"""Objects in one list page."""
PAGE_BYTES: Final = 8 * 2**20
"""A list page is read up to here, then asked for again with half as many objects: some hold a thousand times more."""
LIST_TIMEOUT: Final = 60.0
"""Seconds for one page."""
DEPTH: Final = 100
"""Levels of an answer that are read where the fast decoder fails on more; nothing that we read stands so deep."""

T = TypeVar("T")


class ListMeta(msgspec.Struct):
    """``metadata`` of a list page; ``next_page`` is "" on the last one."""

    resource_version: str = msgspec.field(default="", name="resourceVersion")
    next_page: str = msgspec.field(default="", name="continue")


class Page(msgspec.Struct):
    """A list page."""

    metadata: ListMeta
    items: list[msgspec.Raw] | None = None


class Event(msgspec.Struct):
    """One event of a watch."""

    type: str
    object: msgspec.Raw


class ErrorStatus(msgspec.Struct):
    """The object of an ERROR event."""

    code: int = 0
    reason: str = ""
    message: str = ""


class _Items(msgspec.Struct):
    items: list[msgspec.Raw] | None = None


_decode_page: Final = msgspec.json.Decoder(Page).decode
_decode_event: Final = msgspec.json.Decoder(Event).decode
_decode_items: Final = msgspec.json.Decoder(_Items).decode
read_status: Final = msgspec.json.Decoder(ErrorStatus).decode


async def read_pages(
    client: Sender, path: str, *, query: Mapping[str, str] | None = None, page: int = PAGE
) -> AsyncIterator[Page]:
    """Yield a whole list in pages, of which one at a time is in memory if the caller keeps none.

    Raises:
        ApiError, Unreachable: There was no answer.
        BodyTooLarge: One object alone is larger than any can be.
        msgspec.MsgspecError: Something else than an API server answered.
    """
    limit, next_page = page, ""
    while True:
        asked = {**(query or {}), "limit": str(limit), **({"continue": next_page} if next_page else {})}
        most = PAGE_BYTES if limit > 1 else MAX_BODY
        try:
            body = await client.request("GET", path, query=asked, timeout=LIST_TIMEOUT, most=most)
        except BodyTooLarge:
            if limit == 1:
                raise
            limit //= 2
            continue
        found, size = read_page(body), len(body)
        del body
        yield found
        next_page = found.metadata.next_page
        del found
        if not next_page:
            return
        if size < PAGE_BYTES // 4:
            limit = min(limit * 2, page)


def read_page(body: bytes) -> Page:
    """Return a list page; raise MsgspecError for what no API server answers."""
    return _at_any_depth(_decode_page, body)


def read_items(body: bytes) -> Sequence[msgspec.Raw]:
    """Return the objects of a whole list, each as JSON; raise MsgspecError for what no API server answers."""
    return _at_any_depth(_decode_items, body).items or ()


def read_event(line: bytes) -> Event:
    """Return an event; raise MsgspecError for what no API server answers."""
    return _at_any_depth(_decode_event, line)


def _at_any_depth(decode: Callable[[bytes], T], raw: bytes) -> T:
    """Decode an answer; what stands too deep in it, where we read nothing, is left out."""
    try:
        return decode(raw)
    except RecursionError:
        pass  # read below, without this error
    return decode(shallow(raw.decode(errors="replace"), DEPTH).encode())
