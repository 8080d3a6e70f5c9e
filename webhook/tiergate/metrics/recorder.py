"""What a process reports about itself; whoever reports needs no metrics library."""

from typing import Protocol

from tiergate.metrics.snapshot import TierCondition, UsageRow


class Recorder(Protocol):
    """Takes events as they happen; labels are bounded by what exists in the cluster, never by what a client sends."""

    def review(self, *, endpoint: str, kind: str, tier: str, outcome: str, seconds: float) -> None:
        """Count one answered review.

        Args:
            endpoint: mutate, validate, tiers or namespaces.
            kind: The kind judged, of the few we handle; empty where it could not be read.
            tier: A tier that exists; empty where there is none.
            outcome: allowed, denied, warned, exempt, invalid, ...
            seconds: From the whole body to the answer.
        """

    def error(self, *, endpoint: str, reason: str) -> None:
        """Count a request that got no verdict, by a reason from a fixed set."""

    def cache_age(self, cache: str, seconds: float) -> None:
        """Say how long ago a cache last heard from the API server."""

    def cache_faults(self, cache: str, count: int) -> None:
        """Say how many objects of a cache cannot be used."""

    def quotas_unchecked(self, resource: str, count: int) -> None:
        """Count reviews that said nothing about quotas, because the index of the resource was not filled."""

    def certificate_expiry(self, timestamp: float) -> None:
        """Say when the served certificate ends, in seconds since 1970."""

    def controller_silence(self, seconds: float) -> None:
        """Say how long ago a controller was last seen to lead."""

    def bytes_in_flight(self, count: int) -> None:
        """Say how many bytes of request bodies are held."""

    def usage(self, rows: tuple[UsageRow, ...]) -> None:
        """Replace the usage figures by these."""

    def tier_conditions(self, rows: tuple[TierCondition, ...]) -> None:
        """Replace the conditions of all tiers by these."""
