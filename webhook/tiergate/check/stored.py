"""What a cluster has beside the manifests that are judged: what runs, and what quotas count of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

import msgspec

from tiergate.check import snapshots
from tiergate.check.reading import kind_of, subject_of
from tiergate.check.snapshots import SnapshotHead, read_snapshot
from tiergate.core.desired import desired_quotas
from tiergate.core.quantity import ZERO
from tiergate.core.quota import QuotaStatus, as_created
from tiergate.core.request import Subject, workload_of
from tiergate.core.tier import Tier
from tiergate.core.workload import Workload
from tiergate.manifests.load import Manifest

ObjectKey: TypeAlias = tuple[str, str, str, str]
"""Group, kind, namespace and name."""
UsageSource = Literal["unknown", "none", "file"]
"""Nobody knows what runs in the namespaces, nothing does, or a file says it."""


class StoredObjects:
    """Keeps objects as the cluster has them, and ResourceQuotas also as the manifests will make them."""

    def __init__(self, usage: UsageSource) -> None:
        """Take what is known of usage."""
        self._usage: UsageSource = usage
        self._snapshot: SnapshotHead | None = None
        self._namespaces: set[str] = set()
        self._objects: dict[ObjectKey, Manifest] = {}
        self._quotas: dict[str, dict[str, QuotaStatus]] = {}
        self._counted: set[tuple[str, str]] = set()

    def add_snapshot(self, raw: bytes) -> None:
        """Take what a snapshot says of itself; raise Malformed for one that cannot be read."""
        self._snapshot = read_snapshot(raw)

    def add_namespace(self, name: str) -> None:
        """Take a namespace that exists."""
        self._namespaces.add(name)

    def add(self, key: ObjectKey, manifest: Manifest) -> None:
        """Take any other object."""
        self._objects[key] = manifest

    def add_quota(self, namespace: str, quota: QuotaStatus, *, running: bool) -> None:
        """Keep a ResourceQuota; of one that is not stored yet its bounds, and the usage that the stored one has.

        A stored one of a tier stays what it is: the controller repairs it.
        """
        of_namespace = self._quotas.setdefault(namespace, {})
        before = of_namespace.get(quota.name)
        if running:
            self._counted.add((namespace, quota.name))
        elif before is not None and before.managed:
            return
        else:
            quota = msgspec.structs.replace(quota, hard=quota.spec_hard, used=before.used if before else {})
        of_namespace[quota.name] = quota

    @property
    def minor(self) -> int | None:
        """The release of the server that a snapshot was taken of."""
        return None if self._snapshot is None else self._snapshot.minor

    @property
    def missing(self) -> tuple[str, ...]:
        """What could not be read of a cluster."""
        return () if self._snapshot is None else tuple(map(str, self._snapshot.missing))

    def may_have(self, kind: str, *, namespace: str = "", name: str = "") -> bool:
        """Say whether the cluster may have an object of a kind that could not be read."""
        return self._snapshot is not None and self._snapshot.lacks(kind, namespace=namespace, name=name)

    def subject(self, key: ObjectKey) -> Subject | None:
        """Return an object that will be replaced, as the cluster has it."""
        before = self._objects.get(key)
        kind = None if before is None else kind_of(before)
        if before is None or kind is None:
            return None
        return subject_of(before, kind, stored=True)

    def workload(self, key: ObjectKey) -> Workload | None:
        """Return the same of a workload."""
        return workload_of(self.subject(key))

    def quotas(self, namespace: str, tier: Tier) -> Iterator[QuotaStatus]:
        """Yield the quotas that will count the objects, ours by their label: what is not known to be used is free.

        Nor is it known of what the change set may replace: where workloads could not be read, all counts as free.
        """
        stored = self._quotas.get(namespace, {})
        sure = not any(self.may_have(kind, namespace=namespace) for kind in snapshots.WORKLOADS)
        taken = {name for name, one in stored.items() if not one.managed} if tier.is_native else set[str]()
        for desired in desired_quotas(tier):
            before = stored.get(desired.name)
            if desired.name in taken:  # somebody else's has its place, so that it cannot be created
                continue
            used = before.used if before and before.managed and sure else {}
            yield as_created(desired, namespace, used={**dict.fromkeys(desired.hard, ZERO), **used})
        for quota in stored.values():
            if not quota.managed:
                used = quota.used if sure else {}
                yield msgspec.structs.replace(quota, used={**dict.fromkeys(quota.hard, ZERO), **used})

    def knows_usage(self, namespace: str, quotas: tuple[QuotaStatus, ...]) -> bool:
        """Say whether the usage that ``quotas`` show is all there is."""
        return self._usage == "none" or (self._usage == "file" and self._is_counted(namespace, quotas))

    def _is_counted(self, namespace: str, quotas: tuple[QuotaStatus, ...]) -> bool:
        """Say whether usage is known: all was read, and a namespace that does not exist yet uses nothing."""
        stored = self._quotas.get(namespace, {})
        found = all(
            (namespace, one.name) in self._counted and stored[one.name].managed for one in quotas if one.managed
        )
        if any(self.may_have(kind, namespace=namespace) for kind in snapshots.COUNTED):
            return False
        to_come = self._snapshot is not None and not self.may_have("Namespace", name=namespace)
        return found or (to_come and namespace not in self._namespaces)
