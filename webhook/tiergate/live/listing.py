"""Objects of a cluster, or of namespaces one by one where the whole cluster may not be read: the one way to list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tiergate.cluster.errors import NOT_FOUND, ApiError
from tiergate.cluster.release import told_minor
from tiergate.core.release import NEWEST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tiergate.cluster.api import Api
    from tiergate.cluster.resource import Resource

FORBIDDEN: Final = 403


async def server_minor(api: Api) -> int:
    """Return the minor number of the server's release, the newest known one where it says none."""
    try:
        return await told_minor(api) or NEWEST
    except msgspec.MsgspecError:
        return NEWEST


class ListedMeta(msgspec.Struct):
    """``metadata`` of any object, as far as a list is sorted by it."""

    name: str = ""
    namespace: str = ""
    labels: dict[str, str] | None = None
    deletionTimestamp: str | None = None  # noqa: N815 - Kubernetes' own name


class _Object(msgspec.Struct):
    metadata: ListedMeta


_read_object: Final = msgspec.json.Decoder(_Object).decode


def read_metadata(raw: bytes) -> ListedMeta:
    """Return which object it is; raise ValueError."""
    return _read_object(raw).metadata


def reason(error: ApiError) -> str:
    """Return why something could not be read, in a few words."""
    return f"{error.status} {error.message or error.reason}"


async def each_object(
    api: Api, resource: Resource, namespaces: Sequence[str], keep: Callable[[bytes], None], *, everything: bool
) -> list[tuple[str, ApiError]]:
    """Keep every object of the cluster, or of these namespaces; return of which, "" for all, they may not be read.

    Nor can those be read whose kind the API server does not know. With ``everything`` the cluster is asked first, and
    the namespaces one by one where it may not be read as a whole; of what has no namespace there are none to ask.

    Raises:
        ApiError: The API server refused for another reason.
        Unreachable: It did not answer.
    """
    if everything:
        error = await _refusal(api, resource, "", keep)
        if error is None:
            return []
        if error.status == NOT_FOUND or not namespaces:
            return [("", error)]
    refusals = [(namespace, await _refusal(api, resource, namespace, keep)) for namespace in namespaces]
    return [(namespace, error) for namespace, error in refusals if error is not None]


async def _refusal(api: Api, resource: Resource, namespace: str, keep: Callable[[bytes], None]) -> ApiError | None:
    """Keep every object, read in pages; return why they may not be read."""
    try:
        async for raw in api.each(resource, namespace=namespace or None):
            keep(bytes(raw))
    except ApiError as error:
        if error.status not in (FORBIDDEN, NOT_FOUND):
            raise
        return error
    return None
