"""The Recorder as Prometheus metrics, in a registry of its own."""

import math
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from tiergate.core.quantity import NANO
from tiergate.metrics.rows import TierCondition, UsageRow

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class PrometheusRecorder:
    """Counts in memory; a scrape renders the counts."""

    def __init__(self) -> None:
        """Create the metrics, all of them absent or zero."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped; the series would double the exposition
        self._registry = registry = CollectorRegistry()
        self._errors = Counter(
            "tiergate_errors",
            "Requests that got no decision. A series appears with its first error.",
            ["endpoint", "reason"],
            registry=registry,
        )
        self._task_failures = Counter(
            "tiergate_task_failures",
            "Failures of background tasks; each is started again.",
            ["task"],
            registry=registry,
        )
        self._unchecked = Counter(
            "tiergate_quotas_unchecked",
            "Reviews under mode Warn or Audit that did not check quotas because usage was not known.",
            ["resource"],
            registry=registry,
        )
        self._events = Counter(
            "tiergate_events", "Events on workloads, by what became of them.", ["outcome"], registry=registry
        )
        self._create_caches(registry)
        self._create_certificates(registry)
        self._in_flight = Gauge(
            "tiergate_body_bytes_in_flight", "Bytes of request bodies in memory.", registry=registry
        )
        self._usage = _UsageCollector()
        registry.register(self._usage)
        self._conditions = _ConditionCollector()
        registry.register(self._conditions)
        self._reviews = _ReviewCollector()
        registry.register(self._reviews)
        ProcessCollector(registry=registry)

    def _create_caches(self, registry: CollectorRegistry) -> None:
        self._age = Gauge(
            "tiergate_cache_age_seconds",
            "Seconds since the API server last answered a cache.",
            ["cache"],
            registry=registry,
        )
        self._silence = Gauge(
            "tiergate_controller_silence_seconds",
            "Seconds since a controller last renewed its Lease.",
            registry=registry,
        )
        self._faults = Gauge(
            "tiergate_cache_faulty_objects", "Objects in a cache that cannot be used.", ["cache"], registry=registry
        )

    def _create_certificates(self, registry: CollectorRegistry) -> None:
        self._expiry = Gauge(
            "tiergate_certificate_expiry_timestamp_seconds", "When the served certificate expires.", registry=registry
        )
        self._trusted = Gauge(
            "tiergate_certificate_trusted",
            "1 if every webhook entry trusts the served certificate, 0 if not.",
            registry=registry,
        )
        self._authority_expiry = Gauge(
            "tiergate_ca_expiry_timestamp_seconds", "When the CA of the served certificate expires.", registry=registry
        )
        self.certificate_trust(trusted=None, authority_expiry=None)
        self._clock_offset = Gauge(
            "tiergate_clock_offset_seconds",
            "Seconds by which the clock of the replica is ahead of the API server's.",
            registry=registry,
        )

    def review(self, *, endpoint: str, kind: str, tier: str, outcome: str, rule: str, seconds: float) -> None:
        """Count one answered review."""
        self._reviews.count((endpoint, tier, kind, outcome, rule), seconds)

    def error(self, *, endpoint: str, reason: str) -> None:
        """Count a request without a decision."""
        self._errors.labels(endpoint, reason).inc()

    def task_failed(self, task: str) -> None:
        """Count a failure of a task."""
        self._task_failures.labels(task).inc()

    def cache_age(self, cache: str, seconds: float) -> None:
        """Set the age of one cache."""
        self._age.labels(cache).set(seconds)

    def cache_faults(self, cache: str, count: int) -> None:
        """Set the number of unusable objects of one cache."""
        self._faults.labels(cache).set(count)

    def quotas_unchecked(self, resource: str, count: int) -> None:
        """Count reviews that left quotas out."""
        self._unchecked.labels(resource).inc(count)

    def event(self, outcome: str) -> None:
        """Count an Event."""
        self._events.labels(outcome).inc()

    def certificate_expiry(self, timestamp: float) -> None:
        """Set the end of the certificate."""
        self._expiry.set(timestamp)

    def certificate_trust(self, *, trusted: bool | None, authority_expiry: float | None) -> None:
        """Set both; what is not known is no number, which no alert compares with."""
        self._trusted.set(math.nan if trusted is None else trusted)
        self._authority_expiry.set(math.nan if authority_expiry is None else authority_expiry)

    def clock_offset(self, seconds: float) -> None:
        """Set the offset of the clock."""
        self._clock_offset.set(seconds)

    def controller_silence(self, seconds: float) -> None:
        """Set the time since a controller led."""
        self._silence.set(seconds)

    def bytes_in_flight(self, count: int) -> None:
        """Set the bytes held."""
        self._in_flight.set(count)

    def usage(self, rows: tuple[UsageRow, ...]) -> None:
        """Replace the usage figures."""
        self._usage.rows = rows

    def tier_conditions(self, rows: tuple[TierCondition, ...]) -> None:
        """Replace the conditions of all tiers."""
        self._conditions.rows = rows

    def exposition(self) -> bytes:
        """Return everything in the text format; safe to call from another thread."""
        return generate_latest(self._registry)


class _ReviewCollector(Collector):
    """Counts reviews in plain numbers: the library's own counters have a lock each and cost 5 % of a review.

    One thread counts, another one renders. A scrape may see a review in one family and not yet in the other.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str, str, str], int] = {}
        self._seconds: dict[str, _Seconds] = {}

    def count(self, labels: tuple[str, str, str, str, str], seconds: float) -> None:
        """Count a review by endpoint, tier, kind, outcome and rule."""
        self._counts[labels] = self._counts.get(labels, 0) + 1
        spread = self._seconds.get(labels[0])
        if spread is None:
            spread = self._seconds[labels[0]] = _Seconds()
        spread.buckets[bisect_left(BUCKETS, seconds)] += 1
        spread.total += seconds

    def collect(self) -> Iterator[CounterMetricFamily | HistogramMetricFamily]:
        names = ["endpoint", "tier", "kind", "outcome", "rule"]
        decisions = CounterMetricFamily("tiergate_decisions", "Admission reviews that got a decision.", labels=names)
        for labels, count in self._counts.copy().items():
            decisions.add_metric(labels, count)
        yield decisions
        help_text = "Seconds from the complete request to the answer."
        durations = HistogramMetricFamily("tiergate_review_seconds", help_text, labels=["endpoint"])
        for endpoint, spread in self._seconds.copy().items():
            buckets = zip((*map(floatToGoString, BUCKETS), "+Inf"), accumulate(spread.buckets.copy()), strict=True)
            durations.add_metric([endpoint], list(buckets), spread.total)
        yield durations


class _Seconds:
    """The durations of reviews: a count for each bucket, the last one for all above, and their sum in seconds."""

    def __init__(self) -> None:
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.total = 0.0


class _UsageCollector(Collector):
    """Renders one immutable tuple of rows, so that a scrape never sees a partial change."""

    def __init__(self) -> None:
        self.rows: tuple[UsageRow, ...] = ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        labels = ["tier", "namespace", "quota", "resource"]
        used = GaugeMetricFamily("tiergate_quota_used", "Usage of a quota, in cores, bytes or objects.", labels=labels)
        hard = GaugeMetricFamily("tiergate_quota_hard", "Bound of a quota, in cores, bytes or objects.", labels=labels)
        for row in self.rows:
            values = [row.tier, row.namespace, row.quota, row.resource]
            used.add_metric(values, row.used.nano / NANO)
            hard.add_metric(values, row.hard.nano / NANO)
        yield used
        yield hard


class _ConditionCollector(Collector):
    """Renders the conditions of the tiers that exist, from one immutable tuple."""

    def __init__(self) -> None:
        self.rows: tuple[TierCondition, ...] = ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        labels = ["tier", "condition", "reason"]
        family = GaugeMetricFamily(
            "tiergate_tier_condition", "1 if a condition of a tier is True, 0 if not.", labels=labels
        )
        for row in self.rows:
            family.add_metric([row.tier, row.condition, row.reason], float(row.holds))
        yield family
