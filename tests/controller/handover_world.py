"""The API server in memory as a handover works on it: it checks the promise at every write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from tests.controller.world import (
    ITEM,
    MUTATING,
    SECRETS,
    VALIDATING,
    Webhook,
    a_configuration,
    a_namespace,
    a_tier_with_limits,
    controller,
    eventually,
    quota_path,
    secret_path,
    tier_path,
)
from tests.fake_api import FakeApi, Object
from tiergate.cluster.registration import HANDED_OVER

NAMESPACES = ("dev", "dev-b", "dev-c")
FEW = NAMESPACES[:2]
"""Each more is two more writes to die at, and no other case."""
COPIES = {f"excluded.{name}" for name in HANDED_OVER if "validate" in name}
GUARD = "namespaces.validate.tiergate.io"
CLAIM_ITEM = {"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}
AFTER, BACK_AFTER, SLACK = 15.0, 30.0, 5.0
LATE = 20.0
"""Allowance for caches that are behind."""
LEASE = 16.0
"""Seconds after which another replica has the lead of one that was killed."""
EVERY = 0.5
"""Seconds between two looks of those who wait: the promise itself is checked at every write."""


def range_of(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/limitranges/tier"


class Cluster(FakeApi):
    """Checks the promise at every write: while anything fails open, every governed namespace holds its bounds.

    ``stop_at`` is the number of the write at which the controller's process ends, before or after it took place.
    """

    broken: ClassVar[list[str]]

    def __init__(self, namespaces: Sequence[str] = NAMESPACES) -> None:
        super().__init__()
        self.governed = namespaces
        self.stop_at: int | None = None
        self.before = False
        self.by_hand = False
        self.lag = 0.0
        self.stopped = asyncio.Event()
        self.number = 0
        self.put(tier_path(), limited())
        for name in namespaces:
            self.put(f"/api/v1/namespaces/{name}", a_namespace())
        self.put(MUTATING, a_configuration("pods.mutate.tiergate.io"))
        claims = "persistentvolumeclaims.validate.tiergate.io"
        self.put(VALIDATING, a_configuration(GUARD, "pods.validate.tiergate.io", claims))
        for name in SECRETS:
            self.put(secret_path(name), {"type": "Opaque"})

    def policies(self) -> dict[str, str]:
        entries = [entry for path in (MUTATING, VALIDATING) for entry in self.get(path)["webhooks"]]
        return {one["name"]: one["failurePolicy"] for one in entries if not one["name"].startswith("excluded.")}

    def left_out(self) -> set[str]:
        """Return the namespaces whose pods and claims still need an answer."""
        copies = [one for one in self.get(VALIDATING)["webhooks"] if one["name"].startswith("excluded.")]
        expressions = [one["namespaceSelector"]["matchExpressions"][-1] for one in copies]
        assert all(one["key"] == "kubernetes.io/metadata.name" and one["operator"] == "In" for one in expressions)
        assert {one["failurePolicy"] for one in copies} <= {"Fail"}
        assert {one["name"] for one in copies} in (
            set(),
            {f"excluded.{name}" for name in HANDED_OVER if "validate" in name},
        )
        return {name for one in expressions for name in one["values"]}

    def handed_over(self) -> bool:
        return self.policies() == dict.fromkeys(HANDED_OVER, "Ignore") | {GUARD: "Fail"}

    def guarded(self) -> bool:
        return set(self.policies().values()) == {"Fail"}

    def bare(self) -> bool:
        """Say whether nothing is left of a handover."""
        owners = [self.get(path)["metadata"].get("managedFields", []) for path in (MUTATING, VALIDATING)]
        tier_owned = any("tiergate-handover" in str(one) for one in owners)
        return (
            self.guarded()
            and not self.left_out()
            and not tier_owned
            and not any(self.has_ours(range_of(name)) for name in self.governed)
        )

    def has_ours(self, path: str) -> bool:
        labels = self.get(path)["metadata"].get("labels", {}) if path in self else {}
        return "tiergate" in labels.values()

    def check(self) -> None:
        policies = self.policies() if MUTATING in self else {}
        if policies.get(GUARD, "Fail") != "Fail" and not self.by_hand:
            self.broken.append("the guard of the label fails open")
        # Without an answer the API server stores nothing while one entry that is asked says Fail.
        if "Ignore" in [policies.get(name.removeprefix("excluded.")) for name in COPIES] and not self.by_hand:
            open_to_all = [name for name in self.governed if name not in self.left_out()]
            needed = [path for name in open_to_all for path in (range_of(name), quota_path(name))]
            missing = [f"fails open, and there is no {path} of ours" for path in needed if not self.has_ours(path)]
            self.broken.extend(missing)

    async def request(self, method: str, path: str, **more: Any) -> bytes:  # noqa: ANN401 - as the base has it
        if method == "GET" or "/leases" in path or "/events" in path or path.endswith("/status"):
            return await super().request(method, path, **more)
        self.number += 1
        is_last = self.number == self.stop_at
        if is_last and self.before:
            await self._stop()
        answer = await super().request(method, path, **more)
        self.check()
        if is_last:
            await self._stop()
        return answer

    async def watch(self, path: str, **more: Any) -> AsyncIterator[bytes]:  # noqa: ANN401 - as the base has it
        """Say late what became of the webhook configurations and the LimitRanges."""
        async for event in super().watch(path, **more):
            if "webhookconfigurations" in path or "limitranges" in path:
                await asyncio.sleep(self.lag)
            yield event

    async def _stop(self) -> None:
        self.stopped.set()
        await asyncio.Event().wait()


def limited(**more: Any) -> Object:  # noqa: ANN401 - any JSON
    tier = a_tier_with_limits(native=False)
    tier["spec"]["limits"] = [ITEM, CLAIM_ITEM]
    tier["spec"] |= more
    return tier


@asynccontextmanager
async def handed_over(api: Cluster, webhook: Webhook) -> AsyncIterator[None]:
    """Begin with a webhook that is handed over."""
    async with controller(api, webhook):
        webhook.alive = False
        await eventually(api.handed_over, within=LEASE + AFTER + SLACK)
        yield
