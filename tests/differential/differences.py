"""The differences on purpose: what each one changes, where it can show, and how to switch it off.

A disagreement counts as explained only if the predicates of some of these hold for the case and the disagreement is
gone once exactly those are switched off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from itertools import combinations
from typing import Final
from unittest import mock

import msgspec

from tests.builders import validated
from tests.differential import exactly, overheads
from tests.differential.outcome import Problem, range_problems
from tests.differential.sums import Form, forms, uncapped
from tiergate.core import default_amounts, defaults, native
from tiergate.core.claim import Claim
from tiergate.core.defaults import Additions
from tiergate.core.podspec import Pod
from tiergate.core.quantity import ZERO
from tiergate.core.resources import EMPTY
from tiergate.core.tier import POD, Tier, bounded_limits

Subject = Pod | Claim


class Seen(msgspec.Struct):
    """What a predicate may look at: the object as sent, as we judged it (None: the API refused it), the policy.

    ``old`` is the object that an update changes; ``decimals`` are the resources of which a quantity may be held as a
    decimal.
    """

    sent: Subject
    judged: Subject | None
    tier: Tier
    old: Subject | None = None
    decimals: frozenset[str] = frozenset()


Verdict = Callable[[frozenset[Problem], Subject, Tier], frozenset[Problem]]


def _same(found: frozenset[Problem], _subject: Subject, _tier: Tier) -> frozenset[Problem]:
    return found


class Difference(msgspec.Struct, frozen=True):
    """One row of docs/differences.md that can show in a case."""

    name: str
    applies: Callable[[Seen], bool]
    """Whether the case has what it takes; narrow."""
    switched_off: Callable[[], AbstractContextManager[object]] = nullcontext
    """A context in which defaulting is LimitRanger's in this point."""
    verdict: Verdict = _same
    """What the range problems are without it."""


def _never_lifted() -> AbstractContextManager[object]:
    return mock.patch.object(default_amounts, "_lifted", lambda limit, _: limit)


def _never_lowered() -> AbstractContextManager[object]:
    return mock.patch.object(default_amounts, "_lowered", lambda _name, limit, *_: limit)


def _bare(pod: Pod) -> Pod:
    return msgspec.structs.replace(pod, requests=EMPTY, limits=EMPTY)


@contextmanager
def _never_suppressed() -> Iterator[None]:
    original = defaults.additions_to

    def without_pod_level(pod: Pod, tier: Tier) -> tuple[Additions, ...]:
        return original(_bare(pod), tier)

    with mock.patch.object(defaults, "additions_to", without_pod_level):
        yield


def _never_omitted() -> AbstractContextManager[object]:
    return mock.patch.object(
        default_amounts, "_valid_alone", lambda _asked, _limited, limits, requests: (limits, requests)
    )


Switch = Callable[[], AbstractContextManager[object]]
_SWITCHES: Final[tuple[Switch, ...]] = (_never_lifted, _never_lowered, _never_suppressed, _never_omitted)


def anew(tier: Tier) -> Tier:
    """Return a tier that does not know yet what it adds to bare containers: a switch changes that."""
    item = tier.container
    return tier if item is None else msgspec.structs.replace(tier, container=msgspec.structs.replace(item))


def _changes_defaults(switch: Switch) -> Callable[[Seen], bool]:
    """Return a predicate: the switch changes what some container gets, whether the other switches are off or on."""
    others = [one for one in _SWITCHES if one is not switch]

    def applies(seen: Seen) -> bool:
        if not isinstance(seen.sent, Pod) or seen.old is not None:  # an update gets no defaults
            return False
        for count in range(len(others) + 1):
            for off in combinations(others, count):
                with ExitStack() as stack:
                    for other in off:
                        stack.enter_context(other())
                    before = defaults.additions_to(seen.sent, anew(seen.tier))
                    with switch():
                        if defaults.additions_to(seen.sent, anew(seen.tier)) != before:
                            return True
        return False

    return applies


def _compares_otherwise(seen: Seen) -> bool:
    return seen.judged is not None and any(_by_projection(seen.judged, seen.tier))


def _by_projection(subject: Subject, tier: Tier) -> tuple[frozenset[Problem], frozenset[Problem]]:
    """Return (problems that only an exact comparison sees, problems that only 64-bit projections see)."""
    projected = _said(subject, tier)
    with exactly.compared():
        exact = _said(subject, tier)
    return exact - projected, projected - exact


def _said(subject: Subject, tier: Tier) -> frozenset[Problem]:
    refusals = native.refusals(subject, (native.LimitRange("policy", tier.limits),))
    return frozenset(problem for one in refusals for problem in range_problems(native.sentence(one)))


def _projected(found: frozenset[Problem], subject: Subject, tier: Tier) -> frozenset[Problem]:
    ours, theirs = _by_projection(subject, tier)
    return found - ours | theirs


def held_sums(seen: Seen) -> tuple[Difference, ...]:
    """Return the exact comparison of sums as a difference, once for each way in which the server may hold them."""
    if not isinstance(seen.judged, Pod):
        return ()
    held = forms(seen.judged, seen.tier.limits)
    return tuple(Difference(HELD_SUM, lambda _: True, verdict=partial(_projected_as, form)) for form in held)


def counted_again(seen: Seen) -> tuple[Difference, ...]:
    """Return the overhead that quota counts again as a difference, once for each way of counting it."""
    if not isinstance(seen.judged, Pod):
        return ()
    ways = overheads.forms(seen.judged, seen.decimals)
    return tuple(Difference(overheads.AGAIN, lambda _: True, switched_off=way) for way in ways)


def _projected_as(form: Form, found: frozenset[Problem], subject: Subject, tier: Tier) -> frozenset[Problem]:
    with form():
        return _projected(found, subject, tier)


def _has_zero_limit(seen: Seen) -> bool:
    judged = seen.judged
    return isinstance(judged, Pod) and any(
        limits.get(name) == ZERO
        for limits in (judged.limits, *(container.limits for container in judged.every_container()))
        for name in bounded_limits(seen.tier)
    )


def _zero_allowed(found: frozenset[Problem], _subject: Subject, _tier: Tier) -> frozenset[Problem]:
    return frozenset(problem for problem in found if problem[0] != "zero")


def _reads_sums(seen: Seen) -> bool:
    return isinstance(seen.judged, Pod) and bool(uncapped(seen.judged))


def _as_held(found: frozenset[Problem], subject: Subject, _tier: Tier) -> frozenset[Problem]:
    above = uncapped(subject) if isinstance(subject, Pod) else {}
    held = {(name, side.removesuffix("s")): total.nano for (side, name), total in above.items()}

    def of(problem: Problem) -> Problem:
        amount = held.get(tuple(problem[2:4])) if problem[1] == POD and problem[0] in {"min", "max"} else None
        return problem if amount is None else (*problem[:4], amount, *problem[5:])

    return frozenset(of(problem) for problem in found)


def _pod_level_minima(subject: Subject | None, tier: Tier) -> frozenset[tuple[str, str, int]]:
    """Return (resource, side, amount) of each pod-level value that is below ``min``, in place of a container's."""
    if not isinstance(subject, Pod):
        return frozenset()
    found = validated(subject, old=None, tier=tier, quotas=()).findings
    below = [one for one in found if one.rule in ("request-min", "limit-min") and not one.container]
    names = [(one.actual, *one.resource.partition(".")[::2]) for one in below]
    return frozenset((name, side.removesuffix("s"), low.nano) for low, side, name in names if low is not None)


def _has_pod_level_min(seen: Seen) -> bool:
    return bool(_pod_level_minima(seen.judged, seen.tier))


def _no_pod_level_min(found: frozenset[Problem], subject: Subject, tier: Tier) -> frozenset[Problem]:
    ours = _pod_level_minima(subject, tier)
    return frozenset(one for one in found if not (one[0] == "min" and one[1] != POD and one[2:5] in ours))


def _of_defaulting(name: str, switch: Switch) -> Difference:
    return Difference(name, _changes_defaults(switch), switched_off=switch)


def _would_be_completed(seen: Seen) -> bool:
    """Say whether LimitRanger adds something to a pod that is resized (L-29)."""
    if not isinstance(seen.sent, Pod) or seen.old is None:
        return False
    return native.with_native_defaults(seen.sent, (native.LimitRange("policy", seen.tier.limits),)) != seen.sent


def _judges_more(kind: type[Subject]) -> Callable[[Seen], bool]:
    """Return a predicate: an update of this kind breaks bounds with values that it does not change (L-27, L-28)."""

    def applies(seen: Seen) -> bool:
        if not isinstance(seen.judged, kind) or seen.old is None:
            return False
        again, once = (validated(seen.judged, old=old, tier=seen.tier, quotas=()).findings for old in (None, seen.old))
        return again != once

    return applies


HELD_SUM: Final = "sum-beyond-64-bits"
LIFTED_LIMIT: Final = _of_defaulting("lifted-limit", _never_lifted)
LOWERED_LIMIT: Final = _of_defaulting("lowered-limit", _never_lowered)
POD_LEVEL: Final = _of_defaulting("pod-level-suppression", _never_suppressed)
POD_LEVEL_MIN: Final = Difference("pod-level-min", _has_pod_level_min, verdict=_no_pod_level_min)
VALID_ALONE: Final = _of_defaulting("valid-defaults-only", _never_omitted)
LIMIT_ZERO: Final = Difference("limit-zero", _has_zero_limit, verdict=_zero_allowed)
EXACT: Final = Difference("exact-comparison", _compares_otherwise, verdict=_projected)
READ_SUM: Final = Difference("sum-read-from-text", _reads_sums, verdict=_as_held)
RESIZE_DEFAULTS: Final = Difference("resize-without-defaults", _would_be_completed)
RESIZE_UNCHANGED: Final = Difference("resize-unchanged-values", _judges_more(Pod))
CLAIM_UNCHANGED: Final = Difference("claim-unchanged-request", _judges_more(Claim))
"""These three are switched off by whoever judges the update: another object, or no old one."""
DIFFERENCES: Final = (
    LIFTED_LIMIT,
    LOWERED_LIMIT,
    POD_LEVEL,
    POD_LEVEL_MIN,
    VALID_ALONE,
    LIMIT_ZERO,
    EXACT,
    READ_SUM,
    RESIZE_DEFAULTS,
    RESIZE_UNCHANGED,
    CLAIM_UNCHANGED,
)
