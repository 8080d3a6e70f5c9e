"""Facts and permissions as a test says they are, with what the cache knows apart from what is live."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from tests.builders import RELEASE_NAMESPACE, Json
from tiergate.admission.review import UserInfo
from tiergate.core.placement import Node
from tiergate.core.quota import Measured, QuotaStatus
from tiergate.core.release import NEWEST
from tiergate.core.request import Endpoint
from tiergate.core.tier import Tier
from tiergate.core.workload import Workload
from tiergate.core.workload_case import Around
from tiergate.core.workload_kind import WorkloadKind
from tiergate.server.admission import TIMEOUT, Admission, Answer
from tiergate.wire import Malformed
from tiergate.wire.namespace import Namespace

Live = Malformed | Exception


class FakeWorkloads:
    """Knows what it was told; a workload that is scaled and the nodes are there when they are asked for."""

    def __init__(
        self, around: Around | None = None, scaled: Workload | Exception | None = None, nodes: int = 0
    ) -> None:
        self.known = Around(limit_ranges=(), overheads={}, nodes=None) if around is None else around
        self.scaled = scaled
        self.nodes = nodes
        self.calls: list[str] = []

    def around(self, _namespace: str) -> Around:
        return self.known

    async def know_nodes(self, *, timeout: float) -> None:  # noqa: ASYNC109  # a protocol's method
        self.calls.append(f"nodes {timeout:g}")
        self.known = msgspec.structs.replace(self.known, nodes=tuple(Node(str(one)) for one in range(self.nodes)))

    async def workload_now(
        self,
        kind: WorkloadKind,
        namespace: str,
        name: str,
        *,
        peer: str,  # noqa: ARG002
        timeout: float,  # noqa: ARG002, ASYNC109  # a protocol's method
    ) -> Workload | None:
        self.calls.append(f"{kind} {namespace}/{name}")
        if isinstance(self.scaled, Exception):
            raise self.scaled
        return self.scaled


class FakeState:
    """The cache and the API server behind it; ``calls`` lists what was read live or waited for."""

    def __init__(
        self,
        *,
        tiers: dict[str, Tier] | None = None,
        tiers_now: dict[str, Tier | Live] | None = None,
        namespaces: dict[str, str | None] | None = None,
        namespaces_now: dict[str, str | None] | Exception | None = None,
        quotas: tuple[QuotaStatus, ...] = (),
        quotas_now: tuple[QuotaStatus, ...] | Exception | None = None,
        later: tuple[float, tuple[QuotaStatus, ...]] | None = None,
        usage: tuple[QuotaStatus, ...] | None = None,
        stale: bool = False,
        release: int = NEWEST,
        seconds_per_read: float = 0.0,
        workloads: FakeWorkloads | None = None,
    ) -> None:
        """Take the cached and the live state; ``later`` is when the cache shows which quotas, ``usage`` the index."""
        self._tiers, self._tiers_now = tiers or {}, tiers_now or {}
        self._namespaces = {"dev": "dev"} if namespaces is None else namespaces
        self._namespaces_now = self._namespaces if namespaces_now is None else namespaces_now
        self._quotas = quotas
        self._quotas_now = quotas if quotas_now is None else quotas_now
        self._later = later
        self._usage = usage
        self._stale = stale
        self._release = release
        self.workloads = workloads or FakeWorkloads()
        self._seconds_per_read = seconds_per_read
        self.now = 100.0
        self.calls: list[str] = []
        self.timeouts: list[float] = []

    def _read(self, what: str, timeout: float) -> None:
        """Note a live read, which takes its time on this clock."""
        self.calls.append(what)
        self.timeouts.append(timeout)
        self.now += self._seconds_per_read
        if self._later and self._later[0] <= self.now:
            _, self._quotas = self._later
            self._later = None

    def clock(self) -> float:
        return self.now

    def minor(self) -> int:
        return self._release

    def stale(self) -> bool:
        return self._stale

    def namespace(self, name: str) -> Namespace | None:
        return Namespace(name, self._namespaces[name]) if name in self._namespaces else None

    async def namespace_now(self, name: str, *, peer: str, timeout: float) -> Namespace | None:  # noqa: ASYNC109, ARG002  # a protocol's method
        self._read(f"namespace {name}", timeout)
        if isinstance(self._namespaces_now, Exception):
            raise self._namespaces_now
        return Namespace(name, self._namespaces_now[name]) if name in self._namespaces_now else None

    def tier(self, name: str) -> Tier | None:
        return self._tiers.get(name)

    async def tier_now(self, name: str, *, peer: str, timeout: float) -> Tier | None:  # noqa: ASYNC109, ARG002  # a protocol's method
        self._read(f"tier {name}", timeout)
        found = self._tiers_now.get(name)
        if isinstance(found, Exception):
            raise found
        return found

    def quotas(self, namespace: str) -> tuple[QuotaStatus, ...]:  # noqa: ARG002  # a protocol's method
        return self._quotas

    async def quotas_now(self, namespace: str, *, peer: str, timeout: float) -> tuple[QuotaStatus, ...]:  # noqa: ASYNC109, ARG002  # a protocol's method
        self._read(f"quotas {namespace}", timeout)
        if isinstance(self._quotas_now, Exception):
            raise self._quotas_now
        return self._quotas_now

    async def quotas_changed(self, timeout: float) -> None:  # noqa: ASYNC109  # a protocol's method
        self.calls.append(f"wait {timeout:g}")
        if self._later and self._later[0] <= self.now + timeout:
            self.now, self._quotas = self._later
            self._later = None
        else:
            self.now += timeout

    def usage(self, namespace: str, tier: Tier, kind: type[Measured]) -> tuple[QuotaStatus, ...] | None:
        self.calls.append(f"usage {namespace} {tier.name} {kind.__name__}")
        return self._usage

    def namespaces_of(self, tier: str) -> tuple[str, ...]:
        return tuple(sorted(name for name, label in self._namespaces.items() if label == tier))


class FakePermissions:
    """Allows the named tiers to everybody; ``asked`` lists what was asked."""

    def __init__(self, *allowed: str, failure: Exception | None = None) -> None:
        """Take the tiers that may be assigned, or the failure of every access review."""
        self._allowed, self._failure = allowed, failure
        self.asked: list[tuple[str, str]] = []

    async def may_assign(self, user: UserInfo, tier: str, *, peer: str, timeout: float) -> bool:  # noqa: ASYNC109, ARG002  # a protocol's method
        self.asked.append((user.username, tier))
        if self._failure:
            raise self._failure
        return tier in self._allowed


async def answer(
    endpoint: Endpoint,
    body: bytes,
    state: FakeState,
    permissions: FakePermissions | None = None,
    clock: Callable[[], float] | None = None,
    timeout: float = TIMEOUT,  # noqa: ASYNC109  # what the API server waits for
) -> Answer:
    """Return what Admission answers, and end what it has started."""
    admission = Admission(
        state,
        permissions or FakePermissions(),
        release_namespace=RELEASE_NAMESPACE,
        clock=clock or state.clock,
    )
    try:
        return await admission.answer(endpoint, body, timeout=timeout)
    finally:
        admission.stop()


def response(answered: Answer) -> Json:
    """Return the response of an answered review."""
    assert answered.status == 200
    review: dict[str, Any] = json.loads(answered.body)
    found: Json = review["response"]
    return found


def rules(answered: Answer) -> list[str]:
    """Return the rule ids of a denial, [] for an allowance."""
    found = response(answered)
    if found["allowed"]:
        assert "status" not in found
        return []
    return [cause["reason"] for cause in found["status"]["details"]["causes"]]
