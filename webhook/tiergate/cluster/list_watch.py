"""What the API server answers to a list and to a watch: what is around the objects, which stay raw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from tiergate.wire.tree import shallow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEPTH: Final = 100
"""Levels of an answer that are read where the fast decoder fails on more; nothing that we read stands so deep."""

Answer = TypeVar("Answer")


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


class Status(msgspec.Struct):
    """The object of an ERROR event."""

    code: int = 0
    reason: str = ""
    message: str = ""


class _Items(msgspec.Struct):
    items: list[msgspec.Raw] | None = None


_decode_page: Final = msgspec.json.Decoder(Page).decode
_decode_event: Final = msgspec.json.Decoder(Event).decode
_decode_items: Final = msgspec.json.Decoder(_Items).decode
read_status: Final = msgspec.json.Decoder(Status).decode


def read_page(body: bytes) -> Page:
    """Return a list page; raise MsgspecError for what no API server answers."""
    return _at_any_depth(_decode_page, body)


def read_items(body: bytes) -> Sequence[msgspec.Raw]:
    """Return the objects of a whole list, each as JSON; raise MsgspecError for what no API server answers."""
    return _at_any_depth(_decode_items, body).items or ()


def read_event(line: bytes) -> Event:
    """Return an event; raise MsgspecError for what no API server answers."""
    return _at_any_depth(_decode_event, line)


def _at_any_depth(decode: Callable[[bytes], Answer], raw: bytes) -> Answer:
    """Decode an answer; what stands too deep in it, where we read nothing, is left out."""
    try:
        return decode(raw)
    except RecursionError:
        pass  # read below, without this error
    return decode(shallow(raw.decode(errors="replace"), DEPTH).encode())
