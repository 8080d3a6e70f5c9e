"""Leader election by a Lease: of several replicas one works, the others stand by.

The Lease is used as Kubernetes' own components use it, so that `kubectl get lease` reads the same. Clocks of other
machines are never compared with ours: a replica counts, on its own clock, how long the Lease has not changed.

Two clocks keep two leaders apart. The leader stops writing at ``renew_deadline`` after it *sent* its last renewal that
was accepted; another replica waits ``lease_duration``, which is longer, after it *saw* that renewal.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from tiergate.cluster.errors import ApiError, Unreachable
from tiergate.cluster.resource import LEASES
from tiergate.cluster.sender import Guarded
from tiergate.cluster.swap import CompareAndSwap, Conflict

if TYPE_CHECKING:
    from collections.abc import Callable

    from tiergate.cluster.api import Api
    from tiergate.cluster.sender import Sender
    from tiergate.cluster.swap import Versioned

CONTROLLER_LEASE: Final = "tiergate-controller"
JITTER: Final = 1.2
"""Standbys look after one to this many retry periods, so that they do not all write at the same moment."""
RELEASE_TIMEOUT: Final = 2.0
NEVER: Final = float("-inf")

logger = logging.getLogger(__name__)


def seconds_since_boot() -> float:
    """Return a clock that only goes forward, and also counts the time that the machine sleeps where there is one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def identity_of(host: str) -> str:
    """Return a name that no other process ever had: two on one host, or one that was restarted, are not the same."""
    return f"{host}_{secrets.token_hex(8)}"


class NotLeading(Unreachable):
    """The request was not sent: this replica does not lead, or not for certain."""


class LeaseTiming(msgspec.Struct, frozen=True):
    """How long things take, in whole seconds.

    Attributes:
        lease_duration: How long others wait after the last renewal that they saw.
        renew_deadline: How long a leader works after its last renewal.
        retry_period: Time between two renewals, and between two looks of a standby.
    """

    lease_duration: int = 15
    renew_deadline: int = 10
    retry_period: int = 2

    def __post_init__(self) -> None:
        """Refuse what would let two lead, or let one lose its lead by a single late answer.

        Raises:
            ValueError: Says which value must be how large.
        """
        if self.retry_period < 1:
            raise ValueError(f"the retry period must be at least 1 s, it is {self.retry_period} s")
        if 2 * self.retry_period >= self.renew_deadline:
            raise ValueError(
                f"the renew deadline ({self.renew_deadline} s) must be more than twice the retry period "
                f"({self.retry_period} s): a request may take half of it, and there must be time for a second one"
            )
        if self.renew_deadline >= self.lease_duration:
            raise ValueError(
                f"the lease duration ({self.lease_duration} s) must be longer than the renew deadline "
                f"({self.renew_deadline} s): a leader stops working before another one begins"
            )

    @property
    def request_timeout(self) -> float:
        """Seconds for one request about the Lease: always less than the renew deadline."""
        return self.renew_deadline / 2


class _Spec(msgspec.Struct, rename="camel", omit_defaults=True):
    """``spec`` of a Lease; times are RFC 3339 texts, which are compared for equality only."""

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


class _Lease(msgspec.Struct):
    spec: _Spec | None = None


_decode = msgspec.json.Decoder(_Lease).decode


class Renewal(msgspec.Struct, frozen=True):
    """Who held a Lease and when it was renewed, as the holder wrote it: an RFC 3339 text by the holder's clock."""

    holder: str
    time: str | None


async def last_renewal(api: Api, *, namespace: str, name: str) -> Renewal | None:
    """Return the last renewal of a Lease, None where nobody holds it.

    Raises:
        ApiError, Unreachable: It is not known.
        msgspec.MsgspecError: It is no Lease as Kubernetes has them.
    """
    body = await api.get(LEASES, name, namespace=namespace)
    spec = None if body is None else _decode(body).spec
    return Renewal(spec.holder_identity, spec.renew_time) if spec is not None and spec.holder_identity else None


class Elector:
    """One candidate for one Lease. ``acquire`` waits until this replica leads, ``hold`` until it does not any more."""

    def __init__(
        self,
        api: Api,
        *,
        namespace: str,
        name: str,
        identity: str,
        timing: LeaseTiming,
        now: Callable[[], datetime],
        clock: Callable[[], float] = seconds_since_boot,
    ) -> None:
        """Describe the candidate; nothing is sent yet.

        Args:
            api: Reads and writes the Lease.
            namespace: Of the Lease.
            name: Of the Lease.
            identity: What is written as its holder; no other process may ever use the same.
            timing: Durations.
            now: Time of day, for people who read the Lease; nothing is decided by it.
            clock: Monotonic seconds.
        """
        self._stored = CompareAndSwap(api, LEASES, name, namespace)
        self.identity = identity
        self._timing = timing
        self._now = now
        self._clock = clock
        self._lease: Versioned | None = None
        self._seen: tuple[str | None, str | None] = (None, None)
        self._seen_until = NEVER
        self._certain_until = NEVER

    def remaining(self) -> float:
        """Return for how many seconds it is certain that no other replica leads; 0 or less: not at all."""
        return self._certain_until - self._clock()

    async def acquire(self) -> None:
        """Return when this replica got the Lease; ``remaining`` says whether that still means anything."""
        while True:
            try:
                if await self._try():
                    logger.info("leading", extra={"fields": {"identity": self.identity}})
                    return
            except (ApiError, Unreachable, msgspec.MsgspecError) as error:
                self._complain(error)
            await asyncio.sleep(self._pause())

    async def hold(self) -> None:
        """Renew; return when this replica does not lead any more."""
        while (left := self.remaining()) > 0:
            await asyncio.sleep(min(self._timing.retry_period, left))
            if self.remaining() <= 0:
                break
            try:
                if not await self._renew():
                    break
            except (ApiError, Unreachable, msgspec.MsgspecError) as error:
                self._complain(error)
        self._certain_until = NEVER
        logger.warning("not leading any more", extra={"fields": {"identity": self.identity, "seen": self._seen[0]}})

    async def release(self) -> None:
        """Let another replica lead at once, if this one still does; call it when all work has stopped.

        Nothing depends on it: a Lease that is not released runs out.
        """
        certain, self._certain_until = self.remaining() > 0, NEVER
        if not certain or self._lease is None:
            return
        spec = _spec(self._lease)
        spec = msgspec.structs.replace(spec, holder_identity="", lease_duration_seconds=1, renew_time=self._time())
        try:
            await self._send(spec, self._lease, timeout=RELEASE_TIMEOUT)
        except (ApiError, Unreachable) as error:
            self._complain(error)
        else:
            logger.info("lead released", extra={"fields": {"identity": self.identity}})

    async def _try(self) -> bool:
        """Take the Lease if nobody can hold it; say whether this replica has it now."""
        found = await self._read()
        if self._led_by_another():
            return False
        return await self._write(found)

    async def _renew(self) -> bool:
        """Renew on the version we wrote; if that is not the stored one, see who wrote it. False: another replica leads.

        Raises:
            ApiError, Unreachable: It may be tried again until the deadline.
        """
        if await self._write(self._lease):
            return True
        found = await self._read()
        if self._seen[0] not in {None, "", self.identity}:
            return False
        await self._write(found)
        return True

    def _led_by_another(self) -> bool:
        """Say whether another replica may lead; also where its Lease was deleted under it."""
        return self._seen[0] not in {None, "", self.identity} and self._clock() < self._seen_until

    async def _read(self) -> Versioned | None:
        found = await self._stored.read(timeout=self._timing.request_timeout)
        if found is not None:
            self._observe(_spec(found))
        return found

    def _observe(self, spec: _Spec) -> None:
        """Start counting anew when the holder renewed: from when we saw it, for as long as the holder said."""
        seen = spec.holder_identity, spec.renew_time
        if seen != self._seen:
            if seen[0] != self._seen[0]:
                logger.info("leader seen", extra={"fields": {"holder": seen[0], "identity": self.identity}})
            self._seen = seen
            self._seen_until = self._clock() + (spec.lease_duration_seconds or self._timing.lease_duration)

    async def _write(self, found: Versioned | None) -> bool:
        """Write ourselves as the holder over the version found; False if that is not the stored one (any more)."""
        spec = self._claim(None if found is None else _spec(found))
        sent = self._clock()
        left = self._certain_until - sent
        timeout = self._timing.request_timeout if left <= 0 else min(self._timing.request_timeout, left)
        try:
            self._lease = await self._send(spec, found, timeout=timeout)
        except Conflict:
            return False
        self._certain_until = sent + self._timing.renew_deadline
        self._seen = spec.holder_identity, spec.renew_time
        return True

    def _claim(self, spec: _Spec | None) -> _Spec:
        """Return the spec that names us; acquireTime and leaseTransitions move only when the holder changes."""
        now = self._time()
        ours = spec is not None and spec.holder_identity == self.identity
        return _Spec(
            holder_identity=self.identity,
            lease_duration_seconds=self._timing.lease_duration,
            acquire_time=spec.acquire_time if ours and spec is not None else now,
            renew_time=now,
            lease_transitions=0 if spec is None else (spec.lease_transitions or 0) + (not ours),
        )

    async def _send(self, spec: _Spec, found: Versioned | None, *, timeout: float) -> Versioned:  # noqa: ASYNC109 - the client's
        """Write the spec over the version found; the metadata goes back as it came, with what others wrote there."""
        metadata: object = {"name": self._stored.name}
        if found is not None:
            metadata = msgspec.json.decode(found.body, type=dict[str, msgspec.Raw])["metadata"]
        document = {"apiVersion": LEASES.api_version, "kind": "Lease", "metadata": metadata, "spec": spec}
        version = None if found is None else found.resource_version
        return await self._stored.write(msgspec.json.encode(document), version=version, timeout=timeout)

    def _pause(self) -> float:
        """Return the seconds until the next look: at the latest when the Lease that we saw runs out."""
        pause = self._timing.retry_period * random.uniform(1, JITTER)  # noqa: S311 - jitter guards nothing
        return min(pause, self._seen_until - self._clock()) if self._led_by_another() else pause

    def _time(self) -> str:
        return f"{self._now():%Y-%m-%dT%H:%M:%S.%f}Z"

    def _complain(self, error: Exception) -> None:
        logger.warning("Lease: will try again", extra={"fields": {"error": str(error), "identity": self.identity}})


def _spec(stored: Versioned) -> _Spec:
    return _decode(stored.body).spec or _Spec()


class LeaderClient(Guarded):
    """Sends writes only while it is certain that this replica leads.

    A process can be stopped for minutes between two lines of code. Whoever wakes up finds the clock past the deadline
    here, before anything is sent; a write that was under way carries the version it was decided on.
    """

    def __init__(self, client: Sender, *, remaining: Callable[[], float]) -> None:
        """Wrap a client; ``remaining`` says for how many seconds the lead is certain."""
        super().__init__(client)
        self._remaining = remaining

    async def before_write(self, what: str, timeout: float) -> float:  # noqa: ASYNC109 - as the client has it
        """Let a write take no longer than the lead; raise NotLeading for one that is not to be sent."""
        left = self._remaining()
        if left <= 0:
            raise NotLeading(f"{what}: not sent, this replica does not lead any more")
        return min(timeout, left)
