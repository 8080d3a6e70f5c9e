"""The interface to the place where certificates are kept.

``tiergate.cluster.secrets`` implements it with the Secrets of a cluster; this package knows no API server.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class Conflict(RuntimeError):
    """The stored object has another version than the one the write was based on: read and plan again."""


class Stored(NamedTuple):
    """The data under one name, and its version."""

    data: Mapping[str, bytes]
    resource_version: str


class SecretStore(Protocol):
    """Named sets of files with optimistic concurrency, such as Kubernetes Secrets."""

    async def read(self, name: str) -> Stored | None:
        """Return the data and its version, or None where nothing of that name exists."""

    async def write(self, name: str, data: Mapping[str, bytes], resource_version: str | None) -> None:
        """Replace everything under the name, or create it.

        Args:
            name: Name of the Secret.
            data: All keys; keys that are not given are gone afterwards.
            resource_version: The version the data is based on; None means that nothing existed.

        Raises:
            Conflict: The stored version is another one (also: it exists, though None was given; or it is gone).
        """
