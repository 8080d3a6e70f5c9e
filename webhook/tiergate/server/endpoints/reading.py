"""What the endpoints ask of the cluster, and the time they have for it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, Protocol

from tiergate.core.facts import InvalidTier, MissingTier, Server
from tiergate.wire import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tiergate.admission.request import AdmissionRequest
    from tiergate.admission.review import UserInfo
    from tiergate.core.decision import FactName
    from tiergate.core.facts import Facts
    from tiergate.core.quota import Measured, QuotaStatus
    from tiergate.core.tier import Tier
    from tiergate.core.workload import Workload
    from tiergate.core.workload_case import Around
    from tiergate.core.workload_kind import WorkloadKind
    from tiergate.wire.namespace import Namespace

LIVE_READ_SHARE: Final = 0.8
"""Of the API server's timeout: what is left after all live reads of a review is for its answer."""
LONGEST_READS: Final = 8.0
"""Seconds at most, whatever the sender says that it waits: meanwhile it keeps a connection and a place in line."""


class UnreadError(RuntimeError):
    """What a verdict needs could not be read from the API server."""


class OutOfTimeError(RuntimeError):
    """The time for the live reads of a review is over."""


class Deadline:
    """When the live reads of one review must have ended, and the address for whose sake they are made."""

    def __init__(self, clock: Callable[[], float], timeout: float, peer: str = "") -> None:
        """Take a monotonic clock in seconds, the API server's timeout, which begins now, and the review's peer."""
        self.peer = peer
        self._clock = clock
        self._start = clock()
        self._seconds = min(timeout * LIVE_READ_SHARE, LONGEST_READS)

    def left_to_wait(self, seconds: float) -> float:
        """Return what is left of so many seconds for a wait, after which half of the time is left for reads."""
        return min(seconds, self._seconds / 2) - self._elapsed()

    def _elapsed(self) -> float:
        return self._clock() - self._start

    def left(self) -> float:
        """Return the seconds that are left; raise OutOfTimeError when there are none."""
        left = self._seconds - self._elapsed()
        if left <= 0:
            raise OutOfTimeError("the time for reading from the API server is over")
        return left


class Workloads(Protocol):
    """What verdicts on workloads rest on besides."""

    def around(self, namespace: str) -> Around: ...  # noqa: D102  # the class says it
    async def know_nodes(self, *, timeout: float) -> None:  # noqa: ASYNC109
        """Begin to follow the nodes, and wait until they are known or the time is over."""

    async def workload_now(
        self,
        kind: WorkloadKind,
        namespace: str,
        name: str,
        *,
        peer: str,
        timeout: float,  # noqa: ASYNC109
    ) -> Workload | None:
        """Read the workload of a ``scale`` live."""


class State(Protocol):
    """What is known of the cluster: from caches, or (``..._now``, which may wait and raise) live, in turn by peer."""

    def minor(self) -> int:
        """Return the minor number of the API server's release: some rules differ between releases."""

    def stale(self) -> bool:
        """Whether the caches have lost touch, so that no verdict may rest on them."""

    def namespace(self, name: str) -> Namespace | None: ...  # noqa: D102  # the class says it
    async def namespace_now(self, name: str, *, peer: str, timeout: float) -> Namespace | None: ...  # noqa: ASYNC109, D102
    def tier(self, name: str) -> Tier | None: ...  # noqa: D102
    async def tier_now(self, name: str, *, peer: str, timeout: float) -> Tier | None:  # noqa: ASYNC109
        """Read a tier live; raise Malformed where there is one that may not be in force."""

    def quotas(self, namespace: str) -> tuple[QuotaStatus, ...]: ...  # noqa: D102
    async def quotas_now(self, namespace: str, *, peer: str, timeout: float) -> tuple[QuotaStatus, ...]: ...  # noqa: ASYNC109, D102
    async def quotas_changed(self, timeout: float) -> None:  # noqa: ASYNC109  # the bound is the point
        """Wait until any quota changed, or so many seconds."""

    def usage(self, namespace: str, tier: Tier, kind: type[Measured]) -> tuple[QuotaStatus, ...] | None:
        """Return the quotas of a tier in mode Warn or Audit as they would be in the namespace.

        Only the names this kind of object is measured by, used as the namespace's objects add up; None while that is
        not known.
        """

    @property
    def workloads(self) -> Workloads: ...  # noqa: D102
    def namespaces_of(self, tier: str) -> tuple[str, ...]:
        """Return the names of the namespaces whose label names the tier, sorted."""


class Permissions(Protocol):
    """Asks the API server what a user may do."""

    async def may_assign(self, user: UserInfo, tier: str, *, peer: str, timeout: float) -> bool:  # noqa: ASYNC109
        """Say whether the user has the verb ``assign`` on ``tiers/<name>``."""


class Gatherer(ABC):
    """Gathers the facts for the requests of one endpoint."""

    def __init__(self, state: State, *, release_namespace: str) -> None:
        """Take the state and our own namespace."""
        self._state = state
        self._release_namespace = release_namespace

    def _server(self) -> Server:
        return Server(self._state.minor(), now=time.time())

    @abstractmethod
    def facts(self, request: AdmissionRequest) -> Facts:
        """Return what the caches know."""

    async def fresh(
        self,
        request: AdmissionRequest,  # noqa: ARG002
        facts: Facts,
        needed: FactName,  # noqa: ARG002
        deadline: Deadline,  # noqa: ARG002
    ) -> Facts:
        """Return the facts with the one needed read live; raise what the reads raise, and OutOfTimeError.

        An endpoint that does not read it returns them as they are.
        """
        return facts


async def tier_in_force(state: State, name: str, deadline: Deadline) -> Tier | MissingTier | InvalidTier:
    """Read the tier of a label live. A later version that is invalid does not put the last good one out of force."""
    if not name:
        return MissingTier(name)
    try:
        return await state.tier_now(name, peer=deadline.peer, timeout=deadline.left()) or MissingTier(name)
    except Malformed as error:
        return state.tier(name) or InvalidTier(name, str(error))
