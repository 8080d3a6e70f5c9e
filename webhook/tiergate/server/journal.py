"""What this replica refused of late, and which workloads wait: for the usage page, bounded whatever arrives."""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from tiergate.admission.response import told
from tiergate.admission.reviewed import read_reviewed
from tiergate.core.request import CLUSTER_WIDE
from tiergate.core.rules import ABOUT_PODS
from tiergate.core.text import shortened
from tiergate.core.workload_kind import BY_RESOURCE
from tiergate.pages.shown import ShownAnswer, ShownProblem
from tiergate.wire.kinds import NOUNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tiergate.admission.request import AdmissionRequest
    from tiergate.core.decision import Decision, Finding
    from tiergate.server.makers import Makers
    from tiergate.wire.owners import Reference

MOST: Final = 256
"""Reports that are kept of each sort; one is some kilobytes at most."""
MOST_OF_NAMESPACE: Final = 16
"""Reports of one namespace."""
MOST_PROBLEMS: Final = 3
"""Problems that a report lists."""
LONGEST: Final = 400
"""Characters of what is wrong, and of what would pass."""
LONGEST_NAME: Final = 63
LARGEST: Final = 64 * 2**10
"""Bytes of a review that is looked into once more, for what made the pod."""
AGAIN: Final = 1.0
"""Seconds between two times that a report is put into words; meanwhile equal refusals are only counted."""
WAITS_FOR: Final = 1200.0
"""Seconds after which a workload of which nothing was heard is dropped: controllers try again within 1,000."""

_OF_PODS: Final = "pods"
"""The rule in the key of a workload whose pods were refused: a verdict on it, which says more, is another report."""

logger = logging.getLogger(__name__)


class _Key(NamedTuple):
    """Which object a report is of. ``share`` is its tier, "" for labels and Tiers: any name can be tried with these."""

    share: str
    namespace: str
    kind: str
    name: str
    rule: str = ""


class _Entry(msgspec.Struct):
    """A report as it is kept; ``worded`` is when its problems were last put into words."""

    problems: tuple[ShownProblem, ...]
    more: int
    count: int
    first: float
    last: float
    worded: float


class Ring:
    """Reports by key, the oldest first; whoever has the most loses one when there are too many."""

    def __init__(self) -> None:
        self._entries: dict[_Key, _Entry] = {}
        self._of_share = Counter[str]()
        self._by_namespace = defaultdict[str, dict[str, dict[_Key, None]]](dict)

    def __len__(self) -> int:
        """Return how many reports are kept."""
        return len(self._entries)

    def put(self, key: _Key, now: float, problems: Callable[[], tuple[tuple[ShownProblem, ...], int]]) -> None:
        """Count a report; what it says is put into words at most once every AGAIN seconds."""
        entry = self._entries.get(key)
        if entry is None:
            entry = _Entry(*problems(), 0, now, now, now)
            self._make_room(key)
            self._of_share[key.share] += 1
        elif now - entry.worded >= AGAIN:
            (entry.problems, entry.more), entry.worded = problems(), now
        entry.count += 1
        entry.last = now
        self._entries.pop(key, None)
        self._entries[key] = entry  # the last one now
        namespace = self._by_namespace[key.share].setdefault(key.namespace, {})
        namespace.pop(key, None)
        namespace[key] = None

    def rename(self, renamed: Callable[[_Key], _Key]) -> None:
        """Give reports other names; what is then of one object is one report, and says what was said last."""
        entries, self._entries = self._entries, {}
        self._of_share.clear()
        self._by_namespace.clear()
        for key, entry in entries.items():
            kept = renamed(key)
            earlier = self._entries.pop(kept, None)
            if earlier is None:
                self._of_share[kept.share] += 1
            else:
                entry.count += earlier.count
                entry.first = earlier.first
            self._entries[kept] = entry
            namespace = self._by_namespace[kept.share].setdefault(kept.namespace, {})
            namespace.pop(kept, None)
            namespace[kept] = None

    def drop(self, gone: Callable[[_Key, _Entry], bool]) -> bool:
        """Forget reports; say whether there were any."""
        keys = [key for key, entry in self._entries.items() if gone(key, entry)]
        for key in keys:
            del self._entries[key]
            self._vacate(key)
        return bool(keys)

    def reports(self) -> Iterator[ShownAnswer]:
        """Yield all reports, the latest first."""
        for (share, namespace, kind, name, _), entry in reversed(self._entries.items()):
            words = entry.problems, entry.more
            yield ShownAnswer(share, namespace, kind, name, *words, entry.count, entry.first, entry.last)

    def _make_room(self, key: _Key) -> None:
        """Drop the oldest report of the namespace; or of the largest namespace of the tier that has the most."""
        crowded = self._by_namespace[key.share].get(key.namespace, {})
        if len(crowded) < MOST_OF_NAMESPACE:
            if len(self._entries) < MOST:
                return
            share = max(self._of_share, key=self._of_share.__getitem__)
            crowded = max(self._by_namespace[share].values(), key=len)
        oldest = next(iter(crowded))
        del self._entries[oldest]
        self._vacate(oldest)

    def _vacate(self, key: _Key) -> None:
        namespaces = self._by_namespace[key.share]
        del namespaces[key.namespace][key]
        if not namespaces[key.namespace]:
            del namespaces[key.namespace]
        self._of_share[key.share] -= 1
        if not self._of_share[key.share]:
            del self._of_share[key.share], self._by_namespace[key.share]


class Journal:
    """Takes notice of decisions; ``changes`` counts what changed of the two lists."""

    def __init__(self, makers: Makers, *, now: Callable[[], float] = time.time) -> None:
        """Take what knows the Deployment of a ReplicaSet, and the time of day, in seconds since the epoch."""
        self._makers = makers
        self._now = now
        self._refused = Ring()
        self._waiting = Ring()
        self.changes = 0

    def note(self, request: AdmissionRequest, decision: Decision, body: bytes, *, peer: str) -> None:  # noqa: ARG002 - a recorder's
        """Take notice of a decision; it never waits and never raises, for its review has a verdict. No dry runs."""
        if request.dry_run or not (decision.findings or self._waiting):  # nothing to tell, and nobody to forget
            return
        try:
            if not decision.allowed:
                self._refuse(request, decision, decision.violations, body)
            elif request.endpoint == "workloads":
                self._warn(request, decision)
        except Exception:
            logger.exception("a decision could not be noted")

    async def run(self) -> None:
        """Read for ever what made the controllers of refused pods, and name reports by it."""
        await self._makers.run(self.rename)

    def rename(self, namespace: str, about: Reference, maker: Reference) -> None:
        """Put the reports of a controller under what made it."""
        place, old, new = shortened(namespace, LONGEST_NAME), _named(about), _named(maker)

        def renamed(key: _Key) -> _Key:
            is_of = (key.namespace, key.kind, key.name) == (place, *old)
            return key._replace(kind=new[0], name=new[1]) if is_of else key

        self._refused.rename(renamed)
        self._waiting.rename(renamed)
        self.changes += 1

    def refusals(self) -> tuple[ShownAnswer, ...]:
        """Return what was refused, the latest first."""
        return tuple(self._refused.reports())

    def waiting(self) -> tuple[ShownAnswer, ...]:
        """Return the workloads that wait, the one heard of last first."""
        return tuple(self._waiting.reports())

    def expire(self) -> None:
        """Forget workloads of which nothing was heard for long."""
        limit = self._now() - WAITS_FOR
        self.changes += self._waiting.drop(lambda _, entry: entry.last < limit)

    def _refuse(self, request: AdmissionRequest, decision: Decision, denied: tuple[Finding, ...], body: bytes) -> None:
        controller = _controller(request, body)
        if controller is not None:
            controller = self._makers.of(request.namespace, controller)
        kind, name = _subject(request) if controller is None else _named(controller)
        share = "" if request.endpoint in CLUSTER_WIDE else shortened(decision.tier, LONGEST_NAME)
        key = _Key(share, shortened(request.namespace, LONGEST_NAME), kind, name, denied[0].rule)
        self._put(self._refused, key, request, decision, denied)
        if controller is not None:
            self._put(self._waiting, key._replace(rule=_OF_PODS), request, decision, denied)

    def _warn(self, request: AdmissionRequest, decision: Decision) -> None:
        """Note that a workload waits, or that it no longer does."""
        kind, name = _subject(request)
        namespace = shortened(request.namespace, LONGEST_NAME)
        short = tuple(one for one in decision.findings if one.rule in ABOUT_PODS and one.effect == "warn")
        if short and decision.mode == "Enforce":
            key = _Key(shortened(decision.tier, LONGEST_NAME), namespace, kind, name)
            self._put(self._waiting, key, request, decision, short)
        elif len(self._waiting) and not any(one.rule == "workload-unchecked" for one in decision.findings):
            self.changes += self._waiting.drop(lambda key, _: key.namespace == namespace and _is_of(key, kind, name))

    def _put(
        self, ring: Ring, key: _Key, request: AdmissionRequest, decision: Decision, findings: tuple[Finding, ...]
    ) -> None:
        ring.put(key, self._now(), lambda: _problems(request, decision, findings))
        self.changes += 1


def _problems(
    request: AdmissionRequest, decision: Decision, findings: tuple[Finding, ...]
) -> tuple[tuple[ShownProblem, ...], int]:
    """Return the first problems in words, and how many more there are."""
    listed = []
    for finding in findings[:MOST_PROBLEMS]:
        fact, advice = told(finding, request, decision)
        listed.append(ShownProblem(finding.reason, shortened(fact, LONGEST), shortened(advice, LONGEST)))
    return tuple(listed), len(findings) - len(listed)


def _controller(request: AdmissionRequest, body: bytes) -> Reference | None:
    """Return what controls a pod that is created: its own name is another one each time."""
    if request.resource != "pods" or request.operation != "CREATE" or len(body) > LARGEST:
        return None
    try:
        return read_reviewed(body)[0].controller()
    except (msgspec.MsgspecError, RecursionError):
        return None  # what the strict decoder alone can read


def _subject(request: AdmissionRequest) -> tuple[str, str]:
    """Return the kind and name of the object."""
    workload = BY_RESOURCE.get(request.resource.partition("/")[0])
    kind = NOUNS.get(request.resource, "object") if workload is None else workload.kind
    return kind, shortened(request.name, LONGEST_NAME)


def _named(about: Reference) -> tuple[str, str]:
    return shortened(about.kind, LONGEST_NAME), shortened(about.name, LONGEST_NAME)


def _is_of(key: _Key, kind: str, name: str) -> bool:
    """Say whether a report is of the workload, or of a ReplicaSet that has the name of one of a Deployment."""
    made = kind == "Deployment" and key.kind == "ReplicaSet" and key.name.rpartition("-")[0] == name
    return made or (key.kind, key.name) == (kind, name)
