"""Events of core/v1, which ``kubectl describe`` and ``kubectl get events`` show."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from tiergate.cluster.api import MERGE_PATCH, TIMEOUT
from tiergate.cluster.errors import CONFLICT, NOT_FOUND, ApiError
from tiergate.cluster.resource import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tiergate.cluster.api import Api

CLUSTER_SCOPED_NAMESPACE: Final = "default"
"""Where Events about cluster-scoped objects live; the API server allows no other namespace for them."""
LONGEST_BASE: Final = 200
"""Characters of an object's name that the name of its Event begins with: names have 253 at most."""
MOST_COUNTED: Final = 2**31 - 1

EventType = Literal["Normal", "Warning"]
EventReason = Literal["NoSuchTier", "Enforcing", "NotEnforcing", "HandedOver", "TierRefused", "TierWarned"]
"""What Events of ours say: stable words for programs."""


class InvolvedObject(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What an Event is about."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""
    uid: str = ""


class _Meta(msgspec.Struct, omit_defaults=True):
    namespace: str
    name: str


class _Event(msgspec.Struct, rename="camel"):
    metadata: _Meta
    involved_object: InvolvedObject
    type: EventType
    reason: EventReason
    message: str
    first_timestamp: str
    last_timestamp: str
    source: dict[str, str]
    count: int = 1
    api_version: str = "v1"
    kind: str = "Event"


class _StoredMeta(msgspec.Struct, rename="camel"):
    resource_version: str = ""


class _Stored(msgspec.Struct):
    metadata: _StoredMeta
    count: int | None = None


_read: Final = msgspec.json.Decoder(_Stored).decode


class Events:
    """Writes Events. Equal Events have equal names, so that all replicas of a component share one."""

    def __init__(self, api: Api, *, component: str, now: Callable[[], datetime], timeout: float = TIMEOUT) -> None:
        """Take what sends, who reports, the clock that dates Events, and the seconds for each request."""
        self._api = api
        self._component = component
        self._now = now
        self._timeout = timeout

    async def record(
        self,
        about: InvolvedObject,
        *,
        kind: EventType,
        reason: EventReason,
        message: str,
        distinction: str,
        count: int = 1,
        again: bool = False,
    ) -> None:
        """Write an Event.

        Args:
            about: The object.
            kind: Normal or Warning.
            reason: What has happened.
            message: One line.
            distinction: What tells it from other Events with this reason on the object.
            count: How often it has happened since it was last written.
            again: Where there is such an Event already, raise its count and renew its message; else leave it alone.

        Raises:
            ApiError, Unreachable: It was not written.
            msgspec.MsgspecError: There is something by its name that is no Event of ours.
        """
        time = f"{self._now():%Y-%m-%dT%H:%M:%SZ}"
        namespace = about.namespace or CLUSTER_SCOPED_NAMESPACE
        digest = hashlib.sha256(f"{reason} {distinction}".encode()).hexdigest()[:16]
        name = f"{about.name[:LONGEST_BASE].rstrip('-.')}.{digest}"
        event = _Event(
            metadata=_Meta(namespace=namespace, name=name),
            involved_object=about,
            type=kind,
            reason=reason,
            message=message,
            first_timestamp=time,
            last_timestamp=time,
            source={"component": self._component},
            count=count,
        )
        try:
            await self._api.create(EVENTS, msgspec.json.encode(event), namespace=namespace, timeout=self._timeout)
        except ApiError as error:
            if error.status != CONFLICT:
                raise
        else:
            return
        if again:
            await self._raise_count(name, event)

    async def _raise_count(self, name: str, event: _Event) -> None:
        """Add to the Event that is there. What another replica writes at the same moment says the same, and stays."""
        namespace = event.metadata.namespace
        raw = await self._api.get(EVENTS, name, namespace=namespace, timeout=self._timeout)
        if raw is None:  # it was old, and has gone this moment
            return
        stored = _read(raw)
        change = {
            "metadata": {"resourceVersion": stored.metadata.resource_version},
            "count": min(max(stored.count or 0, 0) + event.count, MOST_COUNTED),
            "lastTimestamp": event.last_timestamp,
            "message": event.message,
        }
        try:
            await self._api.patch(
                EVENTS,
                name,
                msgspec.json.encode(change),
                patch_type=MERGE_PATCH,
                namespace=namespace,
                timeout=self._timeout,
            )
        except ApiError as error:
            if error.status not in (CONFLICT, NOT_FOUND):
                raise


def utc_now() -> datetime:
    """Return the time of day."""
    return datetime.now(UTC)
