"""Events on workloads of which something was refused or warned: for those who did not ask for it themselves.

No review waits for one. What reviews make us do here is bounded in memory, in requests and in Events, whatever arrives.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from tiergate.admission.notices import Notice, message, notice
from tiergate.cluster.budget import Budget
from tiergate.cluster.errors import ApiError, BodyTooLarge, Unreachable, in_words
from tiergate.cluster.events import Events, InvolvedObject, utc_now
from tiergate.cluster.resource import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from tiergate.admission.request import AdmissionRequest
    from tiergate.cluster.api import Api
    from tiergate.core.decision import Decision
    from tiergate.metrics.recorder import Recorder
    from tiergate.server.owners import Owners
    from tiergate.wire.owners import Reference

COMPONENT: Final = "tiergate-webhook"
LARGEST: Final = 2**20
"""Bytes of a review that is looked into once more, for its owners."""
SETTLE: Final = 2.0
"""Seconds before an Event is written: a workload that was warned of is stored by then, and a burst has been counted."""
AGAIN: Final = 600.0
"""Seconds in which an Event on one workload by one rule is written once; what happens meanwhile is counted."""
CHANGED: Final = 10.0
"""The same for another text: whoever corrects a workload, and not enough, looks for the new numbers."""
RETRY: Final = 60.0
"""The same after one that was not written."""
MOST_KNOWN: Final = 2048
"""Workloads and rules that are remembered; for another one the one that came first is forgotten."""
MOST_WAITING: Final = 256
"""Events that wait to be written, half of them caused by one address: each is some 3 KB at most."""
BURST: Final = 10
INTERVAL: Final = 10.0
"""Events in one namespace: so many at once, then one each so many seconds. No more of them wait at a time: the API
server is one address, and the pods of a tenant may name owners without end that are not there."""
SPARE: Final = BURST // 2
"""Of these for Events that are due alone: texts that change without end keep no new Event from being written."""
ALL_BURST: Final = 20
ALL_INTERVAL: Final = 0.2
"""Of all namespaces: each Event costs five requests at most."""
TIMEOUT: Final = 5.0
"""Seconds for each request."""

EventOutcome = Literal["written", "repeated", "absent", "dropped", "failed"]

logger = logging.getLogger(__name__)


class _Seen(msgspec.Struct):
    """How often something has happened since it was written, and until when it is not written again.

    ``until`` is for the same text, ``changed`` for another one. Of the text only the hash is kept; 0 is none.
    """

    count: int = 0
    until: float = float("-inf")
    changed: float = float("-inf")
    text: int = 0

    def rest(self, until: float) -> None:
        """Write nothing until then, whatever the text."""
        self.until = self.changed = until

    def say(self, text: str, now: float) -> None:
        """Remember what is written now."""
        self.until, self.changed, self.text = now + AGAIN, now + CHANGED, hash(text)


class _Waiting(msgspec.Struct, frozen=True):
    notice: Notice
    message: str
    peer: str
    due: float


class WorkloadEvents:
    """Takes notice of decisions, and writes Events behind the reviews' back."""

    def __init__(
        self,
        api: Api,
        owners: Owners,
        recorder: Recorder,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Take what sends, reads workloads and counts, monotonic seconds, the time of day, and what waits."""
        self._events = Events(api, component=COMPONENT, now=now, timeout=TIMEOUT)
        self._owners = owners
        self._recorder = recorder
        self._clock = clock
        self._sleep = sleep
        self._seen: dict[Notice, _Seen] = {}
        self._waiting: deque[_Waiting] = deque()
        self._of_peer = Counter[str]()
        self._of_share = Counter[tuple[str, str]]()
        self._budget = Budget(burst=BURST, interval=INTERVAL)
        self._pace = Budget(burst=ALL_BURST, interval=ALL_INTERVAL)
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        """Return how many workloads and rules are remembered."""
        return len(self._seen)

    @property
    def waiting(self) -> int:
        """How many Events wait to be written."""
        return len(self._waiting)

    def note(self, request: AdmissionRequest, decision: Decision, body: bytes, *, peer: str) -> None:
        """Take notice of a decision; it never waits and never raises, for its review has a verdict."""
        if not decision.findings:
            return
        try:
            told = notice(request, decision, body) if len(body) <= LARGEST else None
            if told is not None:
                self._take(told, peer, lambda: message(request, decision))
        except (msgspec.MsgspecError, RecursionError):
            self._recorder.event("failed")  # what the strict decoder alone can read
        except Exception:
            self._recorder.event("failed")
            logger.exception("an Event could not be prepared")

    def _take(self, told: Notice, peer: str, text: Callable[[], str]) -> None:
        """Count one notice, and queue its Event where one is to be written and there is room for it."""
        seen, share, now = self._known(told), _share(told), self._clock()
        seen.count += 1
        due = now >= seen.until
        if now < seen.changed or not (due or self._is_spare(share, peer, now)):
            self._recorder.event("repeated")
            return
        of_peer, of_share = self._of_peer[peer], self._of_share[peer, share]
        if len(self._waiting) >= MOST_WAITING or of_peer >= MOST_WAITING // 2 or of_share >= BURST:
            self._recorder.event("dropped")
            return
        if due:
            seen.rest(now + AGAIN)  # also where no text can be made
        line = text()
        if not due and hash(line) == seen.text:
            self._recorder.event("repeated")
            return
        seen.say(line, now)
        self._of_peer[peer] += 1
        self._of_share[peer, share] += 1
        self._waiting.append(_Waiting(told, line, peer, now + SETTLE))
        self._wake.set()

    def _is_spare(self, share: str, peer: str, now: float) -> bool:
        """Return whether there is room for an Event before it is due: half of all room is kept for those that are."""
        return (
            len(self._waiting) < MOST_WAITING // 2
            and self._of_peer[peer] < MOST_WAITING // 4
            and self._budget.wait(share, now=now, keep=SPARE + self._of_share[peer, share]) == 0
        )

    def _known(self, told: Notice) -> _Seen:
        if (seen := self._seen.get(told)) is None:
            if len(self._seen) >= MOST_KNOWN:
                del self._seen[next(iter(self._seen))]
            seen = self._seen[told] = _Seen()
        return seen

    async def run(self) -> None:
        """Write Events for ever, one after the other."""
        while True:
            await self.write_next()

    async def write_next(self) -> None:
        """Wait until an Event is due, and write it."""
        while not self._waiting:
            self._wake.clear()
            await self._wake.wait()
        now = self._clock()
        if (pause := max(self._waiting[0].due - now, self._pace.wait("", now=now))) > 0:
            await self._sleep(pause)
        waiting = self._waiting.popleft()
        self._of_peer -= Counter([waiting.peer])  # what is 0 goes
        self._of_share -= Counter([(waiting.peer, _share(waiting.notice))])
        self._pace.spend("", now=self._clock())
        outcome = await self._written(waiting)
        if outcome in ("dropped", "absent", "failed"):
            self._known(waiting.notice).rest(self._clock() + RETRY)
        self._recorder.event(outcome)

    async def _written(self, waiting: _Waiting) -> EventOutcome:
        """Return what became of an Event."""
        told = waiting.notice
        try:
            about = await self._owners.workload(told.about, namespace=told.namespace) if told.stored else told.about
            return "absent" if about is None else await self._record(waiting, about)
        except (ApiError, Unreachable, BodyTooLarge, msgspec.MsgspecError, RecursionError) as error:
            fields = {"namespace": told.namespace, "workload": told.about.name, "error": in_words(error)}
            logger.warning("an Event was not written", extra={"fields": fields})
            return "failed"

    async def _record(self, waiting: _Waiting, about: Reference) -> EventOutcome:
        """Write the Event on a workload that is proved to exist, or whose creation was refused."""
        told = msgspec.structs.replace(waiting.notice, about=about)
        share, now = _share(told), self._clock()
        seen = self._known(waiting.notice)
        if told != waiting.notice:  # of what made the pod another one may have been told already
            count, seen.count = seen.count, 0
            seen = self._known(told)
            seen.count += count
            if now < seen.until and not self._is_renewed(waiting, seen, now):
                return "repeated"
        if self._budget.wait(share, now=now) > 0:
            return "dropped"
        self._budget.spend(share, now=now)
        count = max(seen.count, 1)
        await self._events.record(
            InvolvedObject(WORKLOADS[about.kind].api_version, about.kind, about.name, told.namespace, about.uid),
            kind="Warning",
            reason="TierRefused" if told.refused else "TierWarned",
            message=waiting.message,
            distinction=f"{about.uid or about.kind} {told.rule}",
            count=count,
            again=True,
        )
        seen.count = max(seen.count - count, 0)
        seen.say(waiting.message, now)
        return "written"

    def _is_renewed(self, waiting: _Waiting, seen: _Seen, now: float) -> bool:
        """Return whether an Event is renewed before it is due, as its text has changed; else try again later."""
        if hash(waiting.message) == seen.text:
            return False
        if now >= seen.changed and self._is_spare(_share(waiting.notice), waiting.peer, now):
            return True
        own = self._known(waiting.notice)
        own.changed, own.text = seen.changed if now < seen.changed else now + RETRY, 0
        return False


def _share(told: Notice) -> str:
    """Return what bounds an Event: anybody who reaches the port can make up refused creations, which have their own."""
    return told.namespace if told.stored else f"{told.namespace} refused creations"
