"""What a process reports about itself, without a metrics library."""

from typing import Literal, Protocol

from tiergate.metrics.rows import TierCondition, UsageRow

ErrorReason = Literal["content-type", "too-large", "overloaded", "truncated", "internal", "log"]
"""Why there is no decision: a body that is refused, a failure of ours, an answer that could not be logged."""


class Recorder(Protocol):
    """Receives events as they happen. Objects of the cluster bound the values of labels, never a client's text."""

    def review(self, *, endpoint: str, kind: str, tier: str, outcome: str, rule: str, seconds: float) -> None:
        """Count one answered review.

        Args:
            endpoint: What the API server called (``core.request.Endpoint``).
            kind: The resource under review, one of those we handle; empty if it could not be read.
            tier: A tier that exists; empty if there is none.
            outcome: What became of it: allowed, denied, warned, ... (``server.admission.Outcome``).
            rule: The id of the first rule that was found broken; empty if there is none.
            seconds: Time from the end of the body to the answer.
        """

    def error(self, *, endpoint: str, reason: ErrorReason) -> None:
        """Count a request without a decision."""

    def cache_age(self, cache: str, seconds: float) -> None:
        """Report the seconds since a cache last heard from the API server."""

    def cache_faults(self, cache: str, count: int) -> None:
        """Report how many objects of a cache cannot be used."""

    def task_failed(self, task: str) -> None:
        """Count a failure of a task of the process, by its name."""

    def quotas_unchecked(self, resource: str, count: int) -> None:
        """Count reviews that left quotas out, because the index of the resource was not complete."""

    def event(self, outcome: str) -> None:
        """Count an Event on a workload that was due, by what became of it: written, repeated, absent, ..."""

    def certificate_expiry(self, timestamp: float) -> None:
        """Report the end of the served certificate's validity, in seconds since 1970."""

    def certificate_trust(self, *, trusted: bool | None, authority_expiry: float | None) -> None:
        """Report whether the API server trusts the served certificate, and the end of its CA in seconds since 1970.

        None is for what is not known.
        """

    def clock_offset(self, seconds: float) -> None:
        """Report by how many seconds our clock is ahead of the API server's."""

    def controller_silence(self, seconds: float) -> None:
        """Report the seconds since a controller was last seen to lead."""

    def bytes_in_flight(self, count: int) -> None:
        """Report the bytes of request bodies in memory."""

    def usage(self, rows: tuple[UsageRow, ...]) -> None:
        """Replace the usage figures by these."""

    def tier_conditions(self, rows: tuple[TierCondition, ...]) -> None:
        """Replace the conditions of all tiers by these."""
