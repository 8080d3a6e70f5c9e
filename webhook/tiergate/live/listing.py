"""Objects of a cluster, or of namespaces one by one where the whole cluster may not be read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from tiergate.cluster.client import ApiError
from tiergate.core.release import NEWEST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tiergate.cluster.api import Api
    from tiergate.cluster.resource import Resource

FORBIDDEN: Final = 403


class _Version(msgspec.Struct):
    minor: str = ""


async def server_minor(api: Api) -> int:
    """Return the minor number of the server's release, the newest known one where it says none."""
    try:
        digits = re.match(r"[0-9]+", msgspec.json.decode(await api.server_version(), type=_Version).minor)
    except msgspec.MsgspecError:
        digits = None
    return int(digits[0]) if digits else NEWEST


async def each_object(
    api: Api, resource: Resource, namespaces: Sequence[str], keep: Callable[[bytes], None], *, everything: bool
) -> list[tuple[str, ApiError]]:
    """Keep every object of the namespaces, read in pages; return of which namespaces they may not be read.

    Raises:
        ApiError: The API server refused for another reason than missing rights.
        Unreachable: It did not answer.
    """
    if everything:
        try:
            async for raw in api.each(resource):
                keep(bytes(raw))
            return []
        except ApiError as error:
            if error.status != FORBIDDEN:
                raise
    refused = []
    for namespace in namespaces:
        try:
            async for raw in api.each(resource, namespace=namespace):
                keep(bytes(raw))
        except ApiError as error:
            if error.status != FORBIDDEN:
                raise
            refused.append((namespace, error))
    return refused
