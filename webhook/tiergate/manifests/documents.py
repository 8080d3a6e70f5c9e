"""One document of a file: its bytes as JSON, and where in the file each of its values is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

import msgspec

MAX_DEPTH: Final = 200
"""How deep values may be nested: no Kubernetes object comes near, and reading them recurses."""


class Place(msgspec.Struct, frozen=True, order=True):
    """A place in a file; line and column count from 1."""

    line: int
    column: int = 1


class ManifestFault(ValueError):
    """What keeps a document from being read: where, and why."""

    def __init__(self, place: Place, reason: str) -> None:
        """Keep both."""
        super().__init__(f"{place.line}:{place.column}: {reason}")
        self.place = place
        self.reason = reason


class Document(ABC):
    """A document. ``json`` is what ``tiergate.wire`` decodes."""

    json: bytes

    @abstractmethod
    def place(self, pointer: str) -> Place:
        """Return where the value at a JSON pointer is; of a value that is not there, where it would belong."""


def tokens(pointer: str) -> list[str]:
    """Return the names and indices of a JSON pointer."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def index(token: str, length: int) -> int | None:
    """Return the token as an index into a list; None where there is no such entry."""
    return int(token) if token.isdecimal() and int(token) < length else None
