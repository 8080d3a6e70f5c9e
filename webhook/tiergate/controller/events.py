"""Kubernetes Events: the few things people should read about without asking us."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from tiergate.cluster.api import Api
from tiergate.cluster.budget import Budget
from tiergate.cluster.events import Events, InvolvedObject
from tiergate.cluster.resource import TIERS
from tiergate.controller.enforcement import HANDED_OVER_REASON
from tiergate.wire.tier_status import BY_MODE

EVENT_BURST: Final = 6
EVENT_INTERVAL: Final = 60.0
"""Events on one tier: a few at once, then one a minute."""
COMPONENT: Final = "tiergate-controller"


class EventWriter:
    """Writes the controller's Events, each of them once however often it is asked for."""

    def __init__(self, api: Api, *, now: Callable[[], datetime], clock: Callable[[], float] = time.monotonic) -> None:
        """Take what sends, the clock that dates Events and the one that spaces them."""
        self._events = Events(api, component=COMPONENT, now=now)
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
        await self._events.record(subject, kind="Warning", reason="NoSuchTier", message=message, distinction=tier)

    async def enforcement_changed(self, tier: str, uid: str, *, enforcing: bool, reason: str, message: str) -> None:
        """Say on a tier that it began or ceased to be enforced; not again and again while it flaps."""
        now = self._clock()
        if self._budget.wait(tier, now=now) > 0:
            return
        self._budget.spend(tier, now=now)
        subject = InvolvedObject(api_version=TIERS.api_version, kind="Tier", name=tier, uid=uid)
        await self._events.record(
            subject,
            kind="Normal" if enforcing or reason in BY_MODE.values() else "Warning",
            reason="Enforcing" if enforcing else "HandedOver" if reason == HANDED_OVER_REASON else "NotEnforcing",
            message=f"{reason}: {message}",
            distinction=self._now().isoformat(),
        )
