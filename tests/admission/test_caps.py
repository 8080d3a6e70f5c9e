"""What is more than can be judged is denied, with the place, the number and the bound; by either decoder."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import a_claim_object, a_pod_object, a_resize, a_review, a_tier_object, faults
from tiergate.admission.request import MAX_EXTRA, MAX_GROUPS, read
from tiergate.core.podspec import Pod
from tiergate.core.request import Endpoint
from tiergate.wire.pod import MAX_AMOUNTS, MAX_CONTAINERS
from tiergate.wire.quota import MAX_SCOPES
from tiergate.wire.tier import MAX_ENTRIES, MAX_HARD
from tiergate.wire.types import MAX_NAME, MAX_NAMES, MAX_TEXT

LONG = "n" * (MAX_NAME + 1)
NAMES = {f"r{number}": "1" for number in range(MAX_NAMES + 1)}
MANY = [{"name": f"c{number}"} for number in range(MAX_CONTAINERS)]
FULL = [{"name": f"c{n}", "resources": {"limits": dict(list(NAMES.items())[:400])}} for n in range(6)]
DEFAULTS = {"annotations": {"tiergate.io/defaults": "x" * (MAX_TEXT + 1)}}
USER = {"username": "alice", "groups": ["g"] * (MAX_GROUPS + 1)}

EXPRESSIONS = "quotas/0/scopeSelector/matchExpressions"


def selector(**expression: object) -> dict[str, Any]:
    return {"scopeSelector": {"matchExpressions": [expression]}}


Case = tuple[Endpoint, bytes, str, int]
CASES: dict[str, Case] = {
    "containers": ("mutate", a_review(a_pod_object(*MANY, {"name": "x"})), "/spec/containers", MAX_CONTAINERS),
    "init containers": (
        "validate",
        a_review(a_pod_object({"name": "x"}, initContainers=MANY)),
        "/spec/containers",
        MAX_CONTAINERS,
    ),
    "statuses": (
        "validate",
        a_review(a_pod_object() | {"status": {"containerStatuses": [*MANY, {"name": "x"}]}}),
        "/status/containerStatuses",
        MAX_CONTAINERS,
    ),
    "the old pod's containers": (
        "validate",
        a_resize(a_pod_object(), a_pod_object(*MANY, {"name": "x"})),
        "/spec/containers",
        MAX_CONTAINERS,
    ),
    "amounts": ("mutate", a_review(a_pod_object(*FULL)), "/spec/containers", MAX_AMOUNTS),
    "names of one list": (
        "mutate",
        a_review(a_pod_object({"name": "a", "resources": {"limits": NAMES}})),
        "/spec/containers/0/resources/limits",
        MAX_NAMES,
    ),
    "names of overhead": ("mutate", a_review(a_pod_object(overhead=NAMES)), "/spec/overhead", MAX_NAMES),
    "names of a claim": (
        "validate",
        a_review(a_claim_object() | {"spec": {"resources": {"requests": NAMES}}}),
        "/spec/resources/requests",
        MAX_NAMES,
    ),
    "a container's name": ("mutate", a_review(a_pod_object({"name": LONG})), "/spec/containers/0/name", MAX_NAME),
    "a pod's name": ("mutate", a_review(a_pod_object() | {"metadata": {"name": LONG}}), "/request/name", MAX_NAME),
    "a namespace": ("mutate", a_review(a_pod_object(), namespace=LONG), "/request/namespace", MAX_NAME),
    "a user": ("mutate", a_review(a_pod_object(), userInfo={"username": LONG}), "/request/userInfo/username", MAX_NAME),
    "groups": ("validate", a_review(a_pod_object(), userInfo=USER), "/request/userInfo/groups", MAX_GROUPS),
    "what is said of a user": (
        "validate",
        a_review(a_pod_object(), userInfo={"username": "alice", "extra": {"a": ["x" * MAX_EXTRA]}}),
        "/request/userInfo/extra",
        MAX_EXTRA,
    ),
    "values of what is said of a user": (
        "validate",
        a_review(a_pod_object(), userInfo={"username": "alice", "extra": {"a": [""] * MAX_EXTRA}}),
        "/request/userInfo/extra",
        MAX_EXTRA,
    ),
    "our annotation": (
        "mutate",
        a_review(a_pod_object({"name": "a"}) | {"metadata": DEFAULTS}),
        "/metadata/annotations/tiergate.io~1defaults",
        MAX_TEXT,
    ),
    **{
        f"a tier's {pointer}": ("tiers", a_review(a_tier_object(spec)), f"/spec/{pointer}", bound)
        for spec, pointer, bound in (
            ({"enforcement": LONG}, "enforcement", MAX_NAME),
            ({"limits": [{"type": LONG}]}, "limits/0/type", MAX_NAME),
            ({"exemptions": {"users": [LONG]}}, "exemptions/users/0", MAX_NAME),
            ({"exemptions": {"groups": ["g", LONG]}}, "exemptions/groups/1", MAX_NAME),
            ({"quotas": [{"name": LONG}]}, "quotas/0/name", MAX_NAME),
            ({"quotas": [{"per": LONG}]}, "quotas/0/per", MAX_NAME),
            ({"quotas": [{"scopes": [LONG]}]}, "quotas/0/scopes/0", MAX_NAME),
            ({"quotas": [{"scopes": ["s"] * (MAX_SCOPES + 1)}]}, "quotas/0/scopes", MAX_SCOPES),
            ({"quotas": [selector(scopeName=LONG)]}, f"{EXPRESSIONS}/0/scopeName", MAX_NAME),
            ({"quotas": [selector(operator=LONG)]}, f"{EXPRESSIONS}/0/operator", MAX_NAME),
            ({"quotas": [selector(values=[LONG])]}, f"{EXPRESSIONS}/0/values/0", MAX_NAME),
            ({"quotas": [selector(values=["v"] * MAX_SCOPES)]}, EXPRESSIONS, MAX_SCOPES),
        )
    },
    "a tier's limits": (
        "tiers",
        a_review(a_tier_object({"limits": [{"type": "Pod"}] * (MAX_ENTRIES + 1)})),
        "/spec/limits",
        MAX_ENTRIES,
    ),
    "a tier's quotas": (
        "tiers",
        a_review(
            a_tier_object({"quotas": [{"name": f"q{n}", "hard": dict(list(NAMES.items())[:450])} for n in range(5)]})
        ),
        "/spec/quotas",
        MAX_HARD,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("strictly", [False, True])
def test_more_than_can_be_judged_is_a_fault_with_its_place_and_bound(case: Case, *, strictly: bool) -> None:
    endpoint, body, pointer, bound = case
    if strictly:  # which reads whatever may hold NUL; this is a backslash
        body = body.replace(b'"dryRun": false', b'"dryRun": false, "more": "\\\\u0000"')
    found = faults(endpoint, body)
    assert (found[0].pointer, str(bound) in found[0].reason) == (pointer, True)


def test_what_is_at_the_bound_is_judged() -> None:
    assert isinstance(read("mutate", a_review(a_pod_object(*MANY))).subject, Pod)


def test_a_long_resource_name_is_a_fault() -> None:
    pod: dict[str, Any] = a_pod_object({"name": "a", "resources": {"limits": {LONG: "1"}}})
    (fault,) = faults("mutate", a_review(pod))
    assert fault.pointer == f"/spec/containers/0/resources/limits/{LONG}"
