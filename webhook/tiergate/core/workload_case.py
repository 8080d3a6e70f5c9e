"""What a verdict on a workload rests on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Final

import msgspec

from tiergate.core.lowering import strictest
from tiergate.core.native import LimitRange, with_native_defaults
from tiergate.core.placement import Node
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.resources import ResourceList
from tiergate.core.tier import LimitRangeItem, Tier
from tiergate.core.workload import Workload, replaced
from tiergate.core.workload_kind import BY_KIND


class Around(msgspec.Struct, frozen=True):
    """What a verdict rests on besides the tier and the quotas; None is "not known".

    Attributes:
        limit_ranges: Every LimitRange of the namespace, by name.
        overheads: What each RuntimeClass adds to a pod.
        nodes: The nodes of the cluster.
    """

    limit_ranges: tuple[LimitRange, ...] | None
    overheads: Mapping[str, ResourceList] | None
    nodes: tuple[Node, ...] | None


UNKNOWN: Final = Around(limit_ranges=None, overheads=None, nodes=None)


class WorkloadCase(msgspec.Struct, frozen=True, dict=True):
    """All that is judged: the workload, the stored one of an update, and what is around them.

    ``quotas`` None: the usage is not known. ``scaled``: only the number of pods changes, through ``scale``.
    """

    workload: Workload
    old: Workload | None
    tier: Tier
    quotas: tuple[QuotaStatus, ...] | None
    around: Around
    minor: int
    scaled: bool

    @cached_property
    def ranges(self) -> tuple[LimitRangeItem, ...]:
        """The ranges that its pods and claims have to keep: the tier's, and those of the namespace's LimitRanges."""
        others = [item for one in self.around.limit_ranges or () for item in one.items]
        return strictest([*self.tier.limits, *others]) if others else self.tier.limits

    @cached_property
    def template_after_limit_ranges(self) -> Pod:
        """The template as the namespace's own LimitRanges complete it."""
        return with_native_defaults(self.workload.template, self.limit_ranges_of_others)

    @property
    def limit_ranges_of_others(self) -> tuple[LimitRange, ...]:
        """The namespace's own LimitRanges: those of ours say what the tier says."""
        return tuple([each for each in self.around.limit_ranges or () if not each.managed])

    @property
    def changed(self) -> bool:
        """Whether pods of a new template are asked for."""
        old = self.old
        return old is None or old.written != self.workload.written or self.resumed

    @property
    def resumed(self) -> bool:
        """Whether a workload goes on that has made no pod of its template while it was paused.

        Where it may have made some, as after a rollout that was paused on its way, nothing new is asked for. A strategy
        that kept pods of an earlier template goes on wherever it lets more of them go.
        """
        old = self.old
        if old is None:
            return False
        if BY_KIND[old.kind].may_keep_pods:
            kept_some = old.observed and not old.settled
            return kept_some and replaced(self.workload, old.running) > replaced(old, old.running)
        if not old.paused or self.workload.paused:
            return False
        return old.held or (old.observed and not old.running and not old.failing)
