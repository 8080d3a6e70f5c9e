"""The interface to the place where certificates are kept.

``tiergate.cluster.secrets`` implements it with the Secrets of a cluster; this package knows no API server.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class Outdated(RuntimeError):
    """The stored object has another version than the one the write was based on: read and plan again."""


class NotStored(RuntimeError):
    """There is no object of the name, and none is ever created here; the message says how to restore it."""


class Stored(NamedTuple):
    """The data under one name, its version, and what others have noted on it."""

    data: Mapping[str, bytes]
    resource_version: str
    annotations: Mapping[str, str] = {}


class SecretStore(Protocol):
    """Named sets of files with optimistic concurrency, such as Kubernetes Secrets."""

    async def read(self, name: str) -> Stored | None:
        """Return the data and its version, or None where nothing of that name exists."""

    async def write(
        self,
        name: str,
        data: Mapping[str, bytes],
        resource_version: str,
        *,
        annotations: Mapping[str, str | None],
    ) -> None:
        """Replace everything under the name.

        Args:
            name: Name of the Secret, which exists.
            data: All keys; keys that are not given are gone afterwards.
            resource_version: The version the data is based on.
            annotations: To set, or (None) to remove; others stay.

        Raises:
            Outdated: The stored version is another one (also: it is gone).
        """
