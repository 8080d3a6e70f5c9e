"""What a workload asks of the quotas of its namespace, beside what its pods have of them already."""

from __future__ import annotations

import msgspec

from tiergate.core.quota_bounds import Bound, Charged, NamespaceQuotas
from tiergate.core.workload import Workload
from tiergate.core.workload_case import WorkloadCase
from tiergate.core.workload_pod import Unit
from tiergate.core.workload_room import Present, tight_bounds


class Count(msgspec.Struct, frozen=True):
    """How many pods are wanted, were wanted, and are to be of the former template still."""

    pods: int
    before: int
    kept: int


class Demand(msgspec.Struct, frozen=True):
    """What is asked for, of which quotas, how often, and what is there.

    ``former`` is the pod of the stored template, None where nothing is stored.
    """

    case: WorkloadCase
    quotas: NamespaceQuotas
    unit: Unit
    former: Unit | None
    count: Count

    @property
    def charges(self) -> tuple[Charged, ...]:
        """What goes with each pod that is there."""
        return () if self.former is None else self.former.charges

    def bounds(self) -> tuple[Bound, ...]:
        """Return the bounds that the pods may exceed."""
        return self._bounds(self.unit.charges, self.charges)

    def bounds_with_claims(self) -> tuple[Bound, ...]:
        """Return the same with the claims of a StatefulSet, of which some may be there already."""
        kept = self.unit.kept
        return self._bounds(self.unit.charges + kept, self.charges + kept if self.former else ())

    def _bounds(self, asked: tuple[Charged, ...], former: tuple[Charged, ...]) -> tuple[Bound, ...]:
        """Return the bounds; the pods of a workload that is held are of a template nobody knows."""
        old = self.case.old
        if old is not None and old.held:
            present = Present(None, old.running + old.terminating)
        else:
            stays = self.case.workload.never_replaces
            present = Present(former, _own(old, self.count), stays=stays)
        return tight_bounds(self.quotas, asked, present, pods=self.count.pods)


def _own(old: Workload | None, count: Count) -> int | None:
    """Return how many of the pods that quotas count are the workload's own, None for an unknown number.

    A status may be late: pods that are wanted and not reported count as there, unless it says that they cannot be made.
    """
    if old is None:
        return 0
    if not old.settled:
        return None
    running = old.running if old.failing else max(old.running, count.before)
    return running + old.terminating
