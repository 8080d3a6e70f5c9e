"""The verbs of the API server on objects: bytes in, bytes out. The only place that builds URLs of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec

from tiergate.cluster.client import MAX_BODY, NOT_FOUND, ApiError
from tiergate.cluster.list_watch import read_items, read_pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from tiergate.cluster.resource import Resource
    from tiergate.cluster.sender import Sender

TIMEOUT: Final = 10.0
"""Seconds for one request, if the caller says nothing else."""
JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
PatchType = Literal["application/json-patch+json", "application/merge-patch+json"]
Propagation = Literal["Foreground", "Background"]


class Api:
    """Sends one request for each call.

    Every method raises ApiError when the API server refuses (404 also for a name that no object can have) and
    Unreachable when it does not answer. Timeouts are seconds for the whole request.
    """

    def __init__(self, sender: Sender) -> None:
        """Take what sends: the client, or what guards it."""
        self._sender = sender

    async def get(
        self,
        resource: Resource,
        name: str,
        *,
        namespace: str | None = None,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - as the client has it
    ) -> bytes | None:
        """Return an object as JSON, None where there is none."""
        try:
            return await self._sender.request("GET", _object(resource, name, namespace), timeout=timeout)
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    async def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - as the client has it
        most: int = MAX_BODY,
    ) -> Sequence[msgspec.Raw]:
        """Return the objects of a namespace (None: of the cluster), each as JSON; all of them in one request.

        Raises:
            BodyTooLarge: They have more bytes than ``most``.
            msgspec.MsgspecError: The answer is not a list of objects.
        """
        path = _collection(resource, namespace)
        return read_items(await self._sender.request("GET", path, timeout=timeout, most=most))

    async def each(
        self, resource: Resource, *, namespace: str | None = None, query: Mapping[str, str] | None = None
    ) -> AsyncIterator[msgspec.Raw]:
        """Yield the objects of a namespace (None: of the cluster), each as JSON, read in pages of bounded size.

        Raises:
            BodyTooLarge: One object alone is larger than any can be.
            msgspec.MsgspecError: The answer is not a list of objects.
        """
        async for page in read_pages(self._sender, _collection(resource, namespace), query=query):
            for raw in page.items or ():
                yield raw
            del page

    async def create(
        self,
        resource: Resource,
        body: bytes,
        *,
        namespace: str | None = None,
        query: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - as the client has it
    ) -> bytes:
        """Create an object and return it as stored; 409 where there is one of its name."""
        path = _collection(resource, namespace)
        return await self._sender.request("POST", path, query=query, body=body, timeout=timeout)

    async def replace(
        self,
        resource: Resource,
        name: str,
        body: bytes,
        *,
        namespace: str | None = None,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - as the client has it
    ) -> bytes:
        """Replace an object and return it as stored; 409 where its version is not the one in ``body``."""
        return await self._sender.request("PUT", _object(resource, name, namespace), body=body, timeout=timeout)

    async def patch(
        self,
        resource: Resource,
        name: str,
        body: bytes,
        *,
        patch_type: PatchType,
        namespace: str | None = None,
        subresource: str = "",
        query: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - as the client has it
    ) -> bytes:
        """Patch an object and return it as stored; 409 where its version is not the one in a merge patch."""
        path = _object(resource, name, namespace, subresource)
        return await self._sender.request(
            "PATCH", path, query=query, body=body, content_type=patch_type, timeout=timeout
        )

    async def delete(
        self,
        resource: Resource,
        name: str,
        *,
        resource_version: str | None,
        namespace: str | None = None,
        propagation: Propagation | None = None,
    ) -> None:
        """Delete an object; 409 where its version is another one (None: any will do)."""
        options: dict[str, object] = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if resource_version is not None:
            options["preconditions"] = {"resourceVersion": resource_version}
        if propagation is not None:
            options["propagationPolicy"] = propagation
        body = msgspec.json.encode(options)
        await self._sender.request("DELETE", _object(resource, name, namespace), body=body, timeout=TIMEOUT)

    async def server_version(self) -> bytes:
        """Return what the API server says about its release."""
        return await self._sender.request("GET", "/version", timeout=TIMEOUT)


def _object(resource: Resource, name: str, namespace: str | None, subresource: str = "") -> str:
    try:
        return resource.object(name, namespace=namespace, subresource=subresource)
    except ValueError as error:
        raise ApiError(NOT_FOUND, "NotFound", str(error)) from error


def _collection(resource: Resource, namespace: str | None) -> str:
    try:
        return resource.collection(namespace)
    except ValueError as error:
        raise ApiError(NOT_FOUND, "NotFound", str(error)) from error
