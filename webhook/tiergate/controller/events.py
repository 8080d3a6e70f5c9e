"""Kubernetes Events: the few things people should read about without asking us."""

import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from tiergate.cluster.api import Api
from tiergate.cluster.client import CONFLICT, ApiError
from tiergate.cluster.resource import EVENTS, TIERS
from tiergate.controller.enforcement import HANDED_OVER_REASON
from tiergate.controller.queue import Budget

EVENT_BURST: Final = 6
EVENT_INTERVAL: Final = 60.0
"""Events on one tier: a few at once, then one a minute."""
COMPONENT: Final = "tiergate-controller"
CLUSTER_SCOPED_NAMESPACE: Final = "default"
"""Where Events about cluster-scoped objects live; the API server allows no other namespace for them."""


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
    type: Literal["Normal", "Warning"]
    reason: str
    message: str
    first_timestamp: str
    last_timestamp: str
    source: dict[str, str]
    count: int = 1
    api_version: str = "v1"
    kind: str = "Event"


class EventWriter:
    """Writes Events. Equal Events have equal names, so that each is written once however often it is asked for."""

    def __init__(self, api: Api, *, now: Callable[[], datetime], clock: Callable[[], float] = time.monotonic) -> None:
        """Take what sends, the clock that dates Events and the one that spaces them."""
        self._api = api
        self._now = now
        self._clock = clock
        self._budget = Budget(burst=EVENT_BURST, interval=EVENT_INTERVAL)

    async def namespace_without_tier(self, namespace: str, tier: str) -> None:
        """Say on a namespace that its label names no tier, so that its pods are refused."""
        subject = InvolvedObject(api_version="v1", kind="Namespace", name=namespace, namespace=namespace)
        message = (
            f'label tiergate.io/tier names "{tier}", and there is no such tier: pods are refused here, '
            "existing ResourceQuotas stay. Create the tier or correct the label."
        )
        await self._record(subject, kind="Warning", reason="NoSuchTier", message=message, distinction=tier)

    async def enforcement_changed(self, tier: str, uid: str, *, enforcing: bool, reason: str, message: str) -> None:
        """Say on a tier that it began or ceased to be enforced; not again and again while it flaps."""
        now = self._clock()
        if self._budget.wait(tier, now=now) > 0:
            return
        self._budget.spend(tier, now=now)
        subject = InvolvedObject(api_version=TIERS.api_version, kind="Tier", name=tier, uid=uid)
        await self._record(
            subject,
            kind="Normal" if enforcing else "Warning",
            reason="Enforcing" if enforcing else "HandedOver" if reason == HANDED_OVER_REASON else "NotEnforcing",
            message=f"{reason}: {message}",
            distinction=self._now().isoformat(),
        )

    async def _record(
        self,
        subject: InvolvedObject,
        *,
        kind: Literal["Normal", "Warning"],
        reason: str,
        message: str,
        distinction: str,
    ) -> None:
        now = f"{self._now():%Y-%m-%dT%H:%M:%SZ}"
        namespace = subject.namespace or CLUSTER_SCOPED_NAMESPACE
        digest = hashlib.sha256(f"{reason} {distinction}".encode()).hexdigest()[:16]
        event = _Event(
            metadata=_Meta(namespace=namespace, name=f"{subject.name}.{digest}"),
            involved_object=subject,
            type=kind,
            reason=reason,
            message=message,
            first_timestamp=now,
            last_timestamp=now,
            source={"component": COMPONENT},
        )
        try:
            await self._api.create(EVENTS, msgspec.json.encode(event), namespace=namespace)
        except ApiError as error:
            if error.status != CONFLICT:  # a conflict: it has been said already
                raise


def utc_now() -> datetime:
    """Return the time of day."""
    return datetime.now(UTC)
