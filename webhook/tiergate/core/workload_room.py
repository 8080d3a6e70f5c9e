"""How many pods of a workload fit its namespace's quotas, and whether its rollout gets through (W-1, W-1c).

Everything is linear: ``old`` pods of the former template and ``new`` ones take ``old x before + new x each`` of what a
bound leaves to the workload. So nothing here counts up to the number of replicas.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import msgspec

from tiergate.core.desired import DesiredQuota, desired_quotas
from tiergate.core.quantity import Quantity
from tiergate.core.quota import QuotaStatus, as_created, with_bounds
from tiergate.core.quota_bounds import Bound, Charged, NamespaceQuotas
from tiergate.core.resources import EMPTY, ResourceList
from tiergate.core.tier import Tier


class Rolling(msgspec.Struct, frozen=True):
    """A rollout: so many ``pods`` are replaced, ``running`` ones are there, and so many may be ``unavailable``.

    ``kept`` pods beside these keep the former template.
    """

    pods: int
    running: int
    unavailable: int
    kept: int = 0

    def tightest(self, bound: Bound) -> tuple[int, int]:
        """Return the (old, new) pods that need the most of the bound before the rollout can take its next step.

        With ``b`` new pods ``pods - unavailable - b`` old ones have to stay, as far as there are so many, and one more
        new pod is to be made. What that takes grows until old ones may go, and is linear from there to the last one.
        """
        staying = max(0, self.pods - self.unavailable)
        first = min(self.running, staying)
        last = min(self.running, max(0, 1 - self.unavailable))
        steps = ((self.kept + first, min(self.pods, 1 + staying - first)), (self.kept + last, self.pods))
        return max(steps, key=lambda step: bound.needed(old=step[0], new=step[1]).nano)

    def stalls(self, bound: Bound) -> bool:
        """Say whether the rollout comes to a halt at the bound."""
        old, new = self.tightest(bound)
        return bound.needed(old=old, new=new) > bound.room


def passing(rollings: Sequence[tuple[Rolling, Bound]]) -> int | None:
    """Return the smallest number of unavailable pods with which a rollout gets through all bounds; None: no number."""

    def through(fewer: int) -> bool:
        return not any(msgspec.structs.replace(one, unavailable=fewer).stalls(bound) for one, bound in rollings)

    least, most = max(one.unavailable for one, _ in rollings), max(one.pods for one, _ in rollings)
    if not through(most):
        return None
    return bisect_left(range(least, most), True, key=through) + least  # noqa: FBT003  # what is looked for


def in_force(quotas: tuple[QuotaStatus, ...], tier: Tier) -> tuple[QuotaStatus, ...]:
    """Return the quotas of the namespace as they will be: unused where those of the tier are not there yet.

    A controller follows a change of a tier or of ``spec.hard``. Pods that are refused meanwhile are tried again, a
    workload is not: until then the larger bound counts.
    """
    desired = desired_quotas(tier)
    found = with_bounds(quotas, [_larger(quota, desired) for quota in quotas])
    ours = [quota.name for quota in found if quota.managed]
    pending = [one for one in desired if one.name not in ours]
    return (*found, *(as_created(one, namespace="") for one in pending)) if pending else found  # as nearly always


def _larger(quota: QuotaStatus, of_tier: tuple[DesiredQuota, ...]) -> ResourceList:
    """Return the bounds that are coming and are above those in force."""
    hard, coming = quota.hard, EMPTY if quota.managed else quota.spec_hard
    if quota.managed:
        for desired in of_tier:
            if desired.name == quota.name:
                coming = desired.hard
    if coming == hard:  # as nearly always
        return EMPTY
    return {name: bound for name, bound in coming.items() if name in hard and bound.nano > hard[name].nano}


class Present(msgspec.Struct, frozen=True):
    """The pods of a workload that are there: so many ``running``, each with its claims charged as ``former``.

    ``running`` None: nobody knows how many pods of which template there are. ``former`` None: so many are there, and
    nobody knows of which template. ``stays``: those may be of an earlier template and stay; they take what they have.
    """

    former: tuple[Charged, ...] | None
    running: int | None
    stays: bool = False


def tight_bounds(
    quotas: NamespaceQuotas, unit: tuple[Charged, ...], present: Present, *, pods: int
) -> tuple[Bound, ...]:
    """Return each bound that so many pods with their claims, or one more of either template, may exceed.

    That is as many as there are at any step of a rollout (``Rolling.tightest``), so nothing is said of another bound.
    A quota may know more or less of the pods that are there than the workload's status does: they count at most what it
    has. Where nobody knows how many there are, all that is used may be theirs. Where nobody knows of which template:
    the larger they are, the more room they leave to those that replace them; so all that is used counts as theirs.
    """
    found: list[Bound] = []
    former, running = present.former, present.running
    for asked in quotas.asked(unit, former or (), beside=pods + 1):
        used, each, was = asked.used, asked.each, asked.before
        if running and (former is None or (present.stays and running * was.nano > used.nano)):
            was = Quantity(used.nano // running)
        others = 0 if running is None or former is None else max(0, used.nano - running * was.nano)
        if (pods + 1) * max(each.nano, was.nano) + others > asked.hard.nano:
            found.append(quotas.bound(asked, others=Quantity(others, used.format), before=was))
    return tuple(found)
