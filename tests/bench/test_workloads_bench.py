"""What is measured of workloads is what it says: reviews that are judged, and nothing is found."""

from __future__ import annotations

import json

import pytest

from bench.decision import gathered, known
from bench.report import Sample, rows
from bench.review import SIZE
from bench.workloads import LARGER_POD, MOST, POD, reviews, table
from tiergate.admission.request import read
from tiergate.admission.response import respond
from tiergate.core.decide import decide
from tiergate.core.request import WorkloadChange
from tiergate.core.workload_case import Around
from tiergate.wire.kinds import ENDPOINTS

REVIEWS = reviews()


@pytest.mark.parametrize("name", REVIEWS)
def test_every_review_is_allowed_without_a_word(name: str) -> None:
    """In the namespace's tier and quota, with all known that a verdict rests on, and nothing is read again."""
    path, body = REVIEWS[name]
    request, facts = read(ENDPOINTS[path], body), known()
    decision = decide(request, gathered(facts, Around(limit_ranges=(), overheads={}, nodes=None)))
    assert decision.tier == facts.tier.name
    assert not decision.needs_fresh
    assert json.loads(respond(request, decision))["response"] == {"uid": request.uid, "allowed": True}


def test_the_objects_are_as_large_as_the_pod() -> None:
    sizes = {name: len(body) for name, (_, body) in REVIEWS.items()}
    updates = [size for name, size in sizes.items() if "created" not in name]
    assert sizes[POD] == SIZE
    assert sizes["Deployment, created"] == pytest.approx(SIZE, rel=0.05)
    assert updates == pytest.approx([2 * SIZE] * 4, rel=0.05)


def test_each_update_changes_what_it_says() -> None:
    changes = {
        name: request.subject
        for name, (path, body) in REVIEWS.items()
        if isinstance((request := read(ENDPOINTS[path], body)).subject, WorkloadChange)
    }
    found = {}
    for name, change in changes.items():
        assert change.workload is not None
        before = change.old
        found[name] = before and (change.workload.written != before.written, change.workload.replicas - before.replicas)
    assert found == {
        "Deployment, created": None,
        "Deployment, new image": (True, 0),
        "Deployment, replicas raised": (False, 1),
        "Deployment, label changed": (False, 0),
    }


@pytest.mark.parametrize(("worst", "verdict"), [(MOST, "reached"), (MOST + 0.01, "missed")])
def test_the_goal_is_for_deployments_at_every_number_of_connections(worst: float, verdict: str) -> None:
    cpu = {POD: (1.0, 1.0), LARGER_POD: (9.0, 9.0), "Deployment, created": (worst, 1.2)}
    samples = [
        Sample(name, connections, 1000, 1.0, seconds)
        for name, both in cpu.items()
        for connections, seconds in zip((1, 8), both, strict=True)
    ]
    said = table(rows(samples, base=POD), dict.fromkeys(cpu, SIZE)).splitlines()
    expected = f"Deployment, created: {worst:.2f} x a pod's review, the goal is at most {MOST:g} x: {verdict}"
    assert [line for line in said if "goal" in line] == [expected]
