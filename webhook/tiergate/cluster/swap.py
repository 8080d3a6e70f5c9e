"""Compare and swap on one object: a write succeeds only on the version that it was decided on.

The API server does the comparing (optimistic concurrency by ``resourceVersion``); here the version is put into every
write, and "the stored object is another one" has one name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tiergate.cluster.api import TIMEOUT, Api
from tiergate.cluster.errors import CONFLICT, NOT_FOUND, ApiError
from tiergate.cluster.meta import read_meta
from tiergate.cluster.resource import Resource

if TYPE_CHECKING:
    from typing import NoReturn


class Conflict(ApiError):
    """The stored object is not the one a write was decided on: read again, decide again."""


class Versioned(msgspec.Struct, frozen=True):
    """An object as JSON, and its resourceVersion."""

    body: bytes
    resource_version: str


class CompareAndSwap(msgspec.Struct, frozen=True):
    """One object by its name, which need not exist."""

    api: Api
    resource: Resource
    name: str
    namespace: str | None = None

    async def read(self, *, timeout: float = TIMEOUT) -> Versioned | None:  # noqa: ASYNC109 - as the client has it
        """Return the object, None where there is none.

        Raises:
            ApiError, Unreachable: It is not known.
        """
        body = await self.api.get(self.resource, self.name, namespace=self.namespace, timeout=timeout)
        return None if body is None else _versioned(body)

    async def write(
        self,
        body: bytes,
        *,
        version: str | None,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - as the client has it
    ) -> Versioned:
        """Replace the object, or create it, and return it as stored.

        Args:
            body: The whole object as JSON, with its name; its resourceVersion is set here.
            version: The resourceVersion that the body was decided on; None: there was no object.
            timeout: Seconds for the request.

        Raises:
            Conflict: The stored object is another one: of another version, one that exists after all, or none.
            ApiError, Unreachable: The write failed for another reason; after Unreachable it may have happened.
        """
        sent = _with_version(body, version)
        api, resource, namespace = self.api, self.resource, self.namespace
        try:
            if version is None:
                stored = await api.create(resource, sent, namespace=namespace, timeout=timeout)
            else:
                stored = await api.replace(resource, self.name, sent, namespace=namespace, timeout=timeout)
        except ApiError as error:
            self._refused(error)
        return _versioned(stored)

    async def delete(self, *, version: str) -> None:
        """Delete the object; raise as `write` does."""
        try:
            await self.api.delete(self.resource, self.name, namespace=self.namespace, resource_version=version)
        except ApiError as error:
            self._refused(error)

    def _refused(self, error: ApiError) -> NoReturn:
        if error.status in {CONFLICT, NOT_FOUND}:
            where = f"{self.resource.plural} {self.name}"
            raise Conflict(error.status, error.reason, f"{where}: {error.message}") from error
        raise error


def _versioned(body: bytes) -> Versioned:
    return Versioned(body, read_meta(body).resource_version)


def _with_version(body: bytes, version: str | None) -> bytes:
    """Return the object with this resourceVersion in its metadata; with none for None."""
    document = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    metadata = msgspec.json.decode(document["metadata"], type=dict[str, msgspec.Raw])
    metadata.pop("resourceVersion", None)
    if version is not None:
        metadata["resourceVersion"] = msgspec.Raw(msgspec.json.encode(version))
    return msgspec.json.encode({**document, "metadata": metadata})
