"""Reviews as metrics: what the library's own counter and histogram would show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from tiergate.metrics.prometheus import BUCKETS, PrometheusRecorder

LABELS = ("endpoint", "tier", "kind", "outcome", "rule")
reviews = st.lists(
    st.tuples(
        st.sampled_from(("mutate", "validate")),
        st.sampled_from(("", "dev", 'a"b')),
        st.sampled_from(("pods", "pods/resize")),
        st.sampled_from(("allowed", "denied")),
        st.sampled_from(("", "limit-max")),
        st.one_of(st.sampled_from(BUCKETS), st.floats(0, 10)),
    )
)


def lines_about(exposition: bytes) -> list[str]:
    """Return the lines about reviews, help and types included, sorted: labels are in no order of their own."""
    return sorted(line for line in exposition.decode().splitlines() if "tiergate_decisions" in line or "review" in line)


@pytest.mark.slow
@given(reviews)
def test_reviews_are_counted_as_the_library_counts(seen: list[tuple[str, str, str, str, str, float]]) -> None:
    registry = CollectorRegistry()
    decisions = Counter("tiergate_decisions", "Admission reviews that got a decision.", LABELS, registry=registry)
    help_text = "Seconds from the complete request to the answer."
    durations = Histogram("tiergate_review_seconds", help_text, ["endpoint"], buckets=BUCKETS, registry=registry)
    recorder = PrometheusRecorder()
    for endpoint, tier, kind, outcome, rule, seconds in seen:
        decisions.labels(endpoint, tier, kind, outcome, rule).inc()
        durations.labels(endpoint).observe(seconds)
        recorder.review(endpoint=endpoint, tier=tier, kind=kind, outcome=outcome, rule=rule, seconds=seconds)
    assert lines_about(recorder.exposition()) == lines_about(generate_latest(registry))
