"""What a verdict on a workload finds: the numbers that its sentence needs (``core/workload_messages.py``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from tiergate.core.lowering import Lowering
from tiergate.core.quantity import ZERO, Quantity
from tiergate.core.quota_bounds import Bound
from tiergate.core.workload import Workload
from tiergate.core.workload_room import Rolling

if TYPE_CHECKING:
    from tiergate.core.decision import Fault, Finding
    from tiergate.core.native import Refusal

PER_POD: Final = ("requests.", "limits.", "cpu", "memory", "ephemeral-storage")
"""What quota names begin with where a pod can ask for less."""


Author = Literal["LimitRange", "default", "tier"]
"""Who set a value: a LimitRange its default, the tier its default, or the tier less than that, so that it fits."""


class Unwritten(msgspec.Struct, frozen=True):
    """Who set values that nobody wrote; not ``whole``: others beside them were written."""

    by: Author
    whole: bool = True


WorkloadFinding: TypeAlias = "NeverRuns | Shortage | Stall | Blocked"


class NeverRuns(msgspec.Struct, frozen=True):
    """Why no pod of a template can run.

    Attributes:
        cause: A broken rule of ours, what a LimitRange of the namespace refuses, or what the API server does.
        defaulted: LimitRanges have set their defaults before the API server looks.
        claim: The claim template whose claims are refused, and may be there already; None: no claim is the cause.
        fixed: The claim template cannot be changed any more.
        unwritten: Who set the value that a LimitRange refuses.
    """

    cause: Finding | Refusal | Fault
    defaulted: bool = False
    claim: str | None = None
    fixed: bool = False
    unwritten: Unwritten | None = None


class Shortage(msgspec.Struct, frozen=True, kw_only=True):
    """A bound at which not all pods fit.

    Attributes:
        bound: The bound.
        names: Its name, and those of bounds of the same numbers.
        pods: How many pods are wanted.
        kept: How many of these are of the former template.
        fitting: How many fit.
        of_claims: Claims count that may be there already.
        lower: What each pod may ask for that all fit.
        unwritten: Who set the values that the bound counts, None where the author of the workload did.
        beside: The request that nobody wrote either, where a quota counts it: it would become what the limit is set to.
        request: What is requested of a resource whose limit is bounded, 0 where the request follows the limit.
        counted_by: The field that says how many pods there are, "" where nodes do.
        passing: How many pods pass all bounds, said of the first one alone; 0: not said.
        helps: At each bound something else than fewer pods helps.
    """

    bound: Bound
    names: str
    pods: int
    kept: int
    fitting: int
    of_claims: bool
    lower: Lowering
    unwritten: Unwritten | None = None
    beside: Quantity = ZERO
    request: Quantity = ZERO
    counted_by: str = ""
    passing: int = 0
    helps: bool = False

    @property
    def missing(self) -> Quantity:
        """By how much all pods are above the bound."""
        return self.bound.needed(old=self.kept, new=self.pods - self.kept) - self.bound.room

    @property
    def can_be_freed(self) -> bool:
        """Whether others use as much as is missing."""
        return self.missing <= self.bound.others


class Stall(msgspec.Struct, frozen=True):
    """A rollout that comes to a halt at a bound; with so many unavailable pods, ``passing``, it gets through all.

    ``held``: what else is used cannot be told from its own pods. ``unwritten`` is as of a `Shortage`.
    """

    workload: Workload
    rolling: Rolling
    bound: Bound
    passing: int | None
    held: bool
    unwritten: Unwritten | None = None


class Blocked(msgspec.Struct, frozen=True):
    """A rollout of which no pod may go and none can come, of a workload with so many pods that are not known.

    ``foreign`` is what others use where all its pods are of the stored template, ``passing`` as of a `Stall`.
    """

    workload: Workload
    bound: Bound
    running: int
    passing: int | None
    foreign: Quantity
