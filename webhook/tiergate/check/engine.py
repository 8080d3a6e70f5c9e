"""The change set through the one decision: each object, then the sum of each namespace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from tiergate.check import change_set
from tiergate.check.about import About
from tiergate.check.change_set import Part, Total
from tiergate.check.judging import ObjectChecker, unknown_usage
from tiergate.check.names import with_names
from tiergate.check.repeated import Repeated
from tiergate.check.result import NamespaceResult, ObjectResult, Report, ReportedFinding, Severity
from tiergate.check.stored import ObjectKey
from tiergate.check.surroundings import NamespaceSurroundings, Surroundings
from tiergate.core.messages import brief, quota_named, shown
from tiergate.core.quantity import Quantity
from tiergate.core.quota_bounds import NamespaceQuotas
from tiergate.core.text import shortened
from tiergate.core.tier import Tier
from tiergate.manifests.load import Loaded, Manifest

MOST_NAMED: Final = 3
"""Objects that the sentence of a sum names."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a change set is checked.

    ``rollouts`` says whether rollouts that would stall are told, ``ignores`` whether annotations may leave rules out,
    ``defaults`` whether what tiers set is asked for.
    """

    minor: int
    rollouts: bool = True
    ignores: bool = True
    defaults: bool = False


def check(
    loaded: Loaded,
    surroundings: Surroundings,
    options: Options,
    *,
    progress: Callable[[int], None] = lambda _objects: None,
    keep: Callable[[ObjectResult], ObjectResult] = lambda result: result,
) -> Report:
    """Return what the cluster would say of the manifests.

    ``progress`` is told how many objects have been checked, ``keep`` returns what the report holds of a result.
    """
    checker = ObjectChecker(surroundings, minor=options.minor, ignores=options.ignores, shows_defaults=options.defaults)
    results: list[ObjectResult] = []
    parts: dict[str, dict[ObjectKey | int, tuple[Part, Manifest]]] = {}
    others = 0
    repeated = Repeated(loaded.manifests, surroundings)
    for manifest in loaded.manifests:
        checked = checker.check(manifest, len(results))
        checked = with_names(checked, manifest, surroundings.namespace_of(manifest))
        if checked is None:
            others += 1
            continue
        results.append(keep(repeated.told(checked.result, manifest)))
        progress(len(results))
        if checked.part is not None:
            key = surroundings.key(manifest) if manifest.named else len(results)
            parts.setdefault(checked.result.namespace, {})[key] = checked.part.reduced(minor=options.minor), manifest
    namespaces = [
        _namespace(name, list(parts[name].values()), surroundings.of(name), options) for name in sorted(parts)
    ]
    return Report(
        objects=tuple(results),
        namespaces=tuple(one for one in namespaces if one is not None),
        unread=(*surroundings.faults, *loaded.faults),
        others=others,
        files=loaded.files,
    )


def _namespace(
    name: str, parts: list[tuple[Part, Manifest]], surroundings: NamespaceSurroundings, options: Options
) -> NamespaceResult | None:
    tier = surroundings.tier
    if not isinstance(tier, Tier):
        return None
    found = change_set.totals((part for part, _ in parts), NamespaceQuotas(surroundings.quotas, tier, options.minor))
    of_namespace = _NamespaceFindings(name, tier, {part.index: manifest for part, manifest in parts})
    findings = tuple(of_namespace.exceeded(found))
    if not findings and options.rollouts:
        findings = tuple(of_namespace.stalls(found))
    return NamespaceResult(
        name=shortened(name),
        tier=shortened(tier.name),
        mode=tier.mode,
        sums=tuple(total.sum(known=surroundings.known) for total in found),
        findings=findings,
        room=change_set.room(found, most=MOST_NAMED) if surroundings.known and not findings else (),
        unproved=(unknown_usage(name, tier),) if found and not surroundings.known else (),
    )


class _NamespaceFindings:
    """Says what does not fit in a namespace."""

    def __init__(self, namespace: str, tier: Tier, manifests: dict[int, Manifest]) -> None:
        self._namespace = namespace
        self._tier = tier
        self._manifests = manifests

    def exceeded(self, found: list[Total]) -> Iterator[ReportedFinding]:
        """Yield for each quota that the sum is above it: an error unless Jobs can wait or all of it runs already."""
        by_quota: dict[str, list[Total]] = {}
        for total in found:
            if total.over(waiting=True):
                by_quota.setdefault(total.bound.quota, []).append(total)
        for quota, totals in by_quota.items():
            waits = not any(total.over(waiting=False) for total in totals)
            kept = all(one.part.kept for total in totals for one in total.shares)
            largest = sorted(totals[0].shares, key=lambda share: -share.steady.nano)
            message = (
                f"the change set does not fit {quota_named(quota)}: {'; '.join(map(_over, totals))}"
                f"; it asks most for {_named([share.part.what for share in largest])}"
                f"{'; its Jobs wait until others are done' if waits else '; all of it runs already' if kept else ''}"
            )
            severe = self._tier.is_native and not waits and not kept
            yield self._finding("change-set-exceeds-quota", "error" if severe else "warning", message, largest[0].part)

    def stalls(self, found: list[Total]) -> Iterator[ReportedFinding]:
        """Yield the rollouts that will stall when the change set is in place."""
        seen: set[int] = set()
        for total in found:
            for share in total.stalled():
                if share.part.index in seen:
                    continue
                seen.add(share.part.index)
                bound = total.bound
                each = brief(share.each)
                left = shown(Quantity(max(0, total.room), bound.hard.format), bound.hard)
                when = "" if self._tier.is_native or bound.native else "in mode Enforce: "
                message = (
                    f"{when}a later rollout of {share.part.what} will stall: one more pod asks {bound.name} {each}, "
                    f"the change set leaves {left} of {bound.hard} in {quota_named(bound.quota)}; "
                    "set maxSurge to 0 and maxUnavailable to 1, or ask for less"
                )
                yield self._finding("change-set-rollout-stalls", "warning", message, share.part)

    def _finding(self, rule: str, severity: Severity, message: str, part: Part) -> ReportedFinding:
        about = About(self._manifests[part.index], part.what, self._namespace, self._tier.name)
        return about.finding(rule, severity, "/spec", message)


def _over(total: Total) -> str:
    hard = total.bound.hard
    besides = f", {shown(total.used, hard)} used besides" if total.used else ""
    asked, over = shown(total.sum(known=True).steady, hard), shown(total.over(waiting=True), hard)
    return f"{total.bound.name} {asked} of {hard}{besides}, over by {over}"


def _named(objects: list[str]) -> str:
    more = f" and {len(objects) - MOST_NAMED} more" if len(objects) > MOST_NAMED else ""
    return ", ".join(objects[:MOST_NAMED]) + more
