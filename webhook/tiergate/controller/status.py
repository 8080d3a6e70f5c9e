"""Keep the status of each tier what it should be."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from tiergate.cluster.api import MERGE_PATCH, Api
from tiergate.cluster.budget import Budget
from tiergate.cluster.resource import TIERS
from tiergate.cluster.state import ClusterState
from tiergate.cluster.tier_record import TierInForce, TierRecord
from tiergate.controller.enforcement import HANDED_OVER_REASON
from tiergate.controller.events import EventWriter
from tiergate.controller.observations import Observation, Observations
from tiergate.controller.tier_conditions import (
    Assessment,
    NamespaceState,
    compute,
    namespace_state,
    shows_more_than_numbers,
)
from tiergate.wire.namespace import Namespace
from tiergate.wire.tier_status import ENFORCING, Condition, TierStatus, write_patch

SUMMARY_INTERVAL: Final = 1.0
"""Seconds between two looks at one tier after a burst of them, and between two writes that change only numbers."""
LOOK_BURST: Final = 20


class StatusWriter:
    """Computes the status of a tier, and writes it where it is another one."""

    def __init__(
        self,
        api: Api,
        state: ClusterState,
        observations: Observations,
        events: EventWriter,
        *,
        enforcing: Callable[[Iterable[Namespace]], Assessment | None],
        unasked: Callable[[Iterable[Namespace]], list[str]],
        errors: Mapping[str, str],
        again: Callable[[str, float], None],
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what a step needs.

        Args:
            api: Sends the writes.
            state: What the status is computed from.
            observations: How far the namespaces are.
            events: Tells people when enforcement begins or ceases.
            enforcing: Whether the webhook enforces, as a tier of these namespaces is told; None while it is not known.
            unasked: Which of these namespaces the webhooks are not asked about.
            errors: Namespaces whose quotas could not be written, and why; kept current by its owner.
            again: Has a tier looked at again after some seconds.
            now: Time of day.
            clock: Monotonic seconds.
        """
        self._api = api
        self._state = state
        self._observations = observations
        self._events = events
        self._enforcing = enforcing
        self._unasked = unasked
        self._errors = errors
        self._again = again
        self._now = now
        self._clock = clock
        self._looks = Budget(burst=LOOK_BURST, interval=SUMMARY_INTERVAL)
        self._numbers = Budget(burst=1, interval=SUMMARY_INTERVAL)
        self._written: dict[str, TierStatus] = {}
        self._states: dict[str, tuple[Observation, NamespaceState]] = {}

    def has_written(self, record: TierRecord) -> bool:
        """Say whether the status of the tier is the one that was written last: then its change is no news."""
        return self._written.get(record.name) == record.status

    async def update(self, name: str) -> None:
        """Write the status of one tier if it should be another one.

        Raises:
            ApiError, Unreachable: The write failed; the tier is to be looked at again.
        """
        if not self._state.knows_objects():
            return
        record = self._state.tier_record(name)
        if record is None:
            self._forget(name)
            return
        if self._must_wait(self._looks, name):
            return
        status = self.compute(record)
        if status == record.status:
            return
        if not shows_more_than_numbers(status, record.status) and self._must_wait(self._numbers, name):
            return
        await self._write(record, status)

    def _must_wait(self, budget: Budget, name: str) -> bool:
        """Count one use of a budget, or say that there is none left and have the tier looked at later."""
        now = self._clock()
        if (delay := budget.wait(name, now=now)) > 0:
            self._again(name, delay)
            return True
        budget.spend(name, now=now)
        return False

    def _forget(self, name: str) -> None:
        self._looks.forget(name)
        self._numbers.forget(name)
        self._written.pop(name, None)

    def compute(self, record: TierRecord) -> TierStatus:
        """Return the status the tier should have now."""
        good, members = self._state.in_force(record.name), self._members(record.name)
        return compute(
            record,
            good=good,
            states=self._namespaces(members, good),
            enforcing=self._enforcing(members),
            unasked=self._unasked(members),
            now=f"{self._now():%Y-%m-%dT%H:%M:%SZ}",
        )

    def _members(self, tier: str) -> list[Namespace]:
        """Return the namespaces of a tier; terminating ones have no quotas to wait for."""
        members = (self._state.namespace(name) for name in self._state.namespaces_of(tier))
        return [one for one in members if one is not None and not one.deleting]

    def _namespaces(self, members: Iterable[Namespace], good: TierInForce | None) -> list[NamespaceState]:
        """Return how far the namespaces of a tier are."""
        if good is None:
            return [NamespaceState(one.name) for one in members]
        return [self._namespace(one.name, good) for one in members]

    def _namespace(self, name: str, good: TierInForce) -> NamespaceState:
        observation, error = self._observations.of(name, good.tier), self._errors.get(name, "")
        found = self._states.get(name)
        if found is None or found[0] is not observation or found[1].error != error:
            found = self._states[name] = observation, namespace_state(name, observation, error=error)
        return found[1]

    async def _write(self, record: TierRecord, status: TierStatus) -> None:
        self._written[record.name] = status
        body = write_patch(status, over=record.status, resource_version=record.resource_version)
        await self._api.patch(TIERS, record.name, body, patch_type=MERGE_PATCH, subresource="status")
        before, after = record.status.condition(ENFORCING), status.condition(ENFORCING)
        if before is not None and after is not None and _is_news(before, after):
            await self._events.enforcement_changed(
                record.name,
                record.uid,
                enforcing=after.status == "True",
                reason=after.reason,
                message=after.message,
            )

    def forget_namespace(self, name: str) -> None:
        """Drop a namespace that is gone."""
        self._states.pop(name, None)


def _is_news(before: Condition, after: Condition) -> bool:
    """Say whether enforcement began, ceased, or went to Kubernetes' own engines."""
    handed_over = (before.reason == HANDED_OVER_REASON, after.reason == HANDED_OVER_REASON)
    return before.status != after.status or handed_over == (False, True)
