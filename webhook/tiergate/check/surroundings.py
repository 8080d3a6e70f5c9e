"""What manifests say of the cluster around the objects that are judged: tiers, namespaces, quotas, what runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from tiergate.check.reading import kind_of, unserved
from tiergate.check.stored import ObjectKey, StoredObjects, UsageSource
from tiergate.core import label_guard
from tiergate.core.decision import Fault
from tiergate.core.facts import InvalidTier, MissingTier, TierState
from tiergate.core.jsonpatch import escape
from tiergate.core.native import LimitRange
from tiergate.core.placement import Node
from tiergate.core.quota import QuotaStatus
from tiergate.core.resources import ResourceList
from tiergate.core.text import VALUE_SHOWN, printable, shortened
from tiergate.core.tier import Tier, is_protected
from tiergate.core.workload_case import UNKNOWN, Around
from tiergate.manifests.load import Manifest, Unread
from tiergate.manifests.tiers import written_tier
from tiergate.manifests.values import tier_of_values
from tiergate.wire import Malformed, snapshot
from tiergate.wire.limitrange import read_limit_range
from tiergate.wire.namespace import read_namespace
from tiergate.wire.node import read_node
from tiergate.wire.quota import read_quota
from tiergate.wire.runtime_class import read_overhead
from tiergate.wire.tier import TIER_GROUP


class NamespaceSurroundings(msgspec.Struct, frozen=True):
    """A namespace of a tier.

    Attributes:
        tier: The tier in force.
        quotas: Every ResourceQuota of the namespace, those of the tier as they will be.
        known: Whether their usage is.
        around: What verdicts on workloads rest on besides.
    """

    tier: TierState
    quotas: tuple[QuotaStatus, ...]
    known: bool
    around: Around


def without_objects(tier: TierState) -> NamespaceSurroundings:
    """Return the surroundings where no object of the namespace matters, as no tier in force judges it."""
    return NamespaceSurroundings(tier, (), known=True, around=UNKNOWN)


class _Values(msgspec.Struct):
    tiers: dict[str, Any] | None = None
    namespaces: dict[str, Any] | None = None


class Surroundings:
    """Gathers objects, later ones in the place of earlier ones; ``namespace`` is that of objects without one.

    Tiers, Namespaces, RuntimeClasses and Nodes that an option names are never replaced by those among the manifests:
    whoever writes manifests must not choose by what they are judged.
    """

    def __init__(self, *, usage: UsageSource, namespace: str = "", tier: str | None = None) -> None:
        """Take what is known of usage, and the tier of every namespace, None: as the namespaces themselves say."""
        self.faults: list[Unread] = []
        self.stored = StoredObjects(usage)
        self._namespace = namespace
        self._tier = tier
        self._tiers: dict[str, Tier | InvalidTier] = {}
        self._labels: dict[str, str | None] = {}
        self._ranges: dict[str, dict[str, LimitRange]] = {}
        self._overheads: dict[str, ResourceList] = {}
        self._nodes: dict[str, Node] = {}
        self._of_namespace: dict[str, NamespaceSurroundings] = {}
        self._named: set[tuple[str, str]] = set()
        self._differing: dict[tuple[str, str], Fault] = {}

    def add(self, manifests: Iterable[Manifest], *, named: bool, running: bool = False) -> None:
        """Take what is of use among the manifests.

        Args:
            manifests: Objects, or values files of the chart.
            named: They come from an option that names tiers, namespaces or usage, so that each fault in them is told
                here; else they are judged themselves.
            running: They are objects as the cluster has them.
        """
        for manifest in manifests:
            kind = kind_of(manifest) if named else None
            if kind is not None and (fault := unserved(manifest, kind)) is not None:
                self._tell(manifest, [(fault.pointer, fault.reason)])
                continue
            try:
                self._take(manifest, named=named, running=running)
            except Malformed as error:
                if named:
                    self._tell(manifest, ((one.pointer, one.reason) for one in error.every()))

    def _take(self, manifest: Manifest, *, named: bool, running: bool) -> None:
        match (manifest.group, manifest.kind):
            case (snapshot.GROUP, snapshot.KIND) if running:
                self.stored.add_snapshot(manifest.raw)
            case (group, "Tier") if group == TIER_GROUP:
                self._add_tier(manifest, manifest.name, "", written_tier(manifest.raw), named=named)
            case ("", "Namespace"):
                found = read_namespace(manifest.raw)
                if found.name:
                    self._add_label(found.name, found.tier, named=named)
                if running:
                    self.stored.add_namespace(found.name)
            case ("", "ResourceQuota"):
                self.stored.add_quota(self.namespace_of(manifest), read_quota(manifest.raw), running=running)
            case ("", "LimitRange"):
                one = read_limit_range(manifest.raw)
                self._ranges.setdefault(self.namespace_of(manifest), {})[one.name] = one
            case ("node.k8s.io", "RuntimeClass") if self._counts("RuntimeClass", manifest.name, named=named):
                self._overheads[manifest.name] = read_overhead(manifest.raw)
            case ("", "Node") if named:
                self._nodes[manifest.name] = read_node(manifest.raw)
            case ("", "") if named:
                self._add_values(manifest)
            case _ if running and manifest.named:
                self.stored.add(self.key(manifest), manifest)

    def _counts(self, kind: str, name: str, *, named: bool) -> bool:
        """Say whether an object counts: it is named by an option, or no option names one of its name."""
        if named:
            self._named.add((kind, name))
        return named or (kind, name) not in self._named

    def _add_label(self, namespace: str, tier: str | None, *, named: bool) -> None:
        """Keep what the label of a namespace says."""
        if self._counts("Namespace", namespace, named=named):
            self._labels[namespace] = tier
        elif tier != (known := self._labels[namespace]):
            said, counts = (
                f'tier "{shortened(one, VALUE_SHOWN)}"' if one is not None else "no tier" for one in (tier, known)
            )
            reason = f"its label names {said}; {counts} counts, as an option says"
            self._differing["Namespace", namespace] = Fault(label_guard.POINTER, reason)

    def _add_tier(
        self, manifest: Manifest, name: str, pointer: str, read: tuple[Tier | None, tuple[Fault, ...]], *, named: bool
    ) -> None:
        tier, faults = read
        if named:
            self._tell(manifest, ((f"{pointer}{one.pointer}", one.reason) for one in faults))
        found = InvalidTier(name, faults[0].reason) if tier is None or faults else tier
        if self._counts("Tier", name, named=named):
            self._tiers[name] = found
        elif found != self._tiers[name]:
            counts = f'tier "{shortened(name, VALUE_SHOWN)}" of an option (--tiers, --namespaces or --usage)'
            reason = f"it differs from {counts}, which is used"
            self._differing["Tier", name] = Fault("/spec", reason)

    def _add_values(self, manifest: Manifest) -> None:
        """Take the tiers and namespaces of a values file of the chart; a null drops one of an earlier file."""
        try:
            values = msgspec.json.decode(manifest.raw, type=_Values)
        except ValueError:
            values = _Values()
        if not values.tiers and not values.namespaces:
            self._tell(manifest, [("", "neither an object of Kubernetes nor values with tiers or namespaces")])
        for name, tier in (values.tiers or {}).items():
            if tier is None:
                self._tiers.pop(name, None)
            else:
                self._add_tier(manifest, name, f"/tiers/{escape(name)}", tier_of_values(name, tier), named=True)
        for name, namespace in (values.namespaces or {}).items():
            found = namespace.get("tier") if isinstance(namespace, dict) else None
            self._add_label(name, found if isinstance(found, str) else None, named=True)

    def _tell(self, manifest: Manifest, faults: Iterable[tuple[str, str]]) -> None:
        for pointer, reason in faults:
            what = printable(f"{pointer}: {reason}" if pointer else reason)
            self.faults.append(Unread(manifest.path, what, manifest.place(pointer)))

    def namespace_of(self, manifest: Manifest) -> str:
        """Return the namespace of an object."""
        return manifest.namespace or self._namespace

    def key(self, manifest: Manifest) -> ObjectKey:
        """Return what names an object: two of one key replace each other."""
        return manifest.group, manifest.kind, self.namespace_of(manifest), manifest.name

    def tier(self, name: str) -> TierState:
        """Return a tier by its name."""
        return self._tiers.get(name) or MissingTier(name)

    def lacks_named_tier(self) -> str | None:
        """Return why the tier of every namespace cannot be meant; None where it is known or may exist."""
        name = self._tier
        if name is None or name in self._tiers or self.faults or self.stored.may_have("Tier", name=name):
            return None
        known = ", ".join(sorted(self._tiers)) or "none"
        return printable(f'there is no tier "{shortened(name, VALUE_SHOWN)}" (there is: {shortened(known)})')

    def differing(self, manifest: Manifest) -> Fault | None:
        """Return what an object says otherwise than the one of its name that an option names; None where nothing."""
        return self._differing.get((manifest.kind, manifest.name))

    def members(self, tier: str) -> tuple[str, ...]:
        """Return the namespaces whose label names a tier, sorted."""
        return tuple(sorted(name for name, label in self._labels.items() if label == tier))

    def is_mapped(self, namespace: str) -> bool:
        """Say whether the tier of a namespace is known, or that it has none."""
        if not namespace:
            return False
        label = self._tier if self._tier is not None else self._labels.get(namespace)
        if label is not None and label not in self._tiers and self.stored.may_have("Tier", name=label):
            return False
        known = self._tier is not None or namespace in self._labels
        return known or is_protected(namespace, release_namespace="")

    def of(self, namespace: str) -> NamespaceSurroundings:
        """Return what is known of a namespace."""
        found = self._of_namespace.get(namespace)
        if found is None:
            found = self._of_namespace[namespace] = self._gathered(namespace)
        return found

    def _gathered(self, namespace: str) -> NamespaceSurroundings:
        label = self._tier if self._tier is not None else self._labels.get(namespace)
        if label is None:
            return without_objects(None)
        tier = self.tier(label)
        if not isinstance(tier, Tier):
            return without_objects(tier)
        quotas = tuple(self.stored.quotas(namespace, tier))
        known = self.stored.knows_usage(namespace, quotas)
        ranges = tuple(one for _, one in sorted(self._ranges.get(namespace, {}).items()))
        nodes = tuple(self._nodes.values()) if self._nodes else None
        return NamespaceSurroundings(tier, quotas, known, Around(ranges, self._overheads, nodes))
