"""What is more than can be judged is denied, with the place, the number and the bound; by either decoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.builders import a_claim_object, a_pod_object, a_tier_object, faults
from tests.reviews import a_resize, a_review
from tiergate.admission.request import MAX_EXTRA, MAX_GROUPS, read
from tiergate.admission.review import UserInfo
from tiergate.core.podspec import MAX_AMOUNTS, Pod
from tiergate.core.request import Endpoint, Subject, TierChange, Unreadable
from tiergate.wire.pod import MAX_CONTAINERS
from tiergate.wire.quota import MAX_SCOPES
from tiergate.wire.tier import MAX_ENTRIES, MAX_HARD
from tiergate.wire.types import MAX_NAME, MAX_NAMES, MAX_TEXT

LONG = "n" * (MAX_NAME + 1)
NAMES = {f"r{number}": "1" for number in range(MAX_NAMES + 1)}
MANY = [{"name": f"c{number}"} for number in range(MAX_CONTAINERS)]
FULL = [{"name": f"c{n}", "resources": {"limits": dict(list(NAMES.items())[:400])}} for n in range(6)]
DEFAULTS = {"annotations": {"tiergate.io/defaults": "x" * (MAX_TEXT + 1)}}
USER = {"username": "alice", "groups": ["g"] * (MAX_GROUPS + 1)}

ENTRIES: dict[str, Callable[[int], dict[str, Any]]] = {
    "limits": lambda number: {"limits": [{"type": "Pod"}] * number},
    "quotas": lambda number: {"quotas": [{"name": "q"}] * number},
    "exemptions/users": lambda number: {"exemptions": {"users": ["u"] * number}},
    "exemptions/groups": lambda number: {"exemptions": {"groups": ["g"] * number}},
}
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
    "statuses of init containers": (
        "validate",
        a_review(a_pod_object() | {"status": {"containerStatuses": MANY, "initContainerStatuses": [{"name": "x"}]}}),
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
    **{
        f"a tier's {name}": (
            "tiers",
            a_review(a_tier_object(spec(MAX_ENTRIES + 1))),
            f"/spec/{name}",
            MAX_ENTRIES,
        )
        for name, spec in ENTRIES.items()
    },
    "names in a tier's quotas": (
        "tiers",
        a_review(
            a_tier_object({"quotas": [{"name": f"q{n}", "hard": dict(list(NAMES.items())[:450])} for n in range(5)]})
        ),
        "/spec/quotas",
        MAX_HARD,
    ),
}


either = pytest.mark.parametrize("strictly", [False, True], ids=["quickly", "strictly"])


def read_by(endpoint: Endpoint, body: bytes, *, strictly: bool) -> Subject:
    if strictly:  # which reads whatever may hold NUL; this is a backslash
        body = body.replace(b'"dryRun": false', b'"dryRun": false, "more": "\\\\u0000"')
    return read(endpoint, body).subject


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@either
def test_more_than_can_be_judged_is_a_fault_with_its_place_and_bound(case: Case, *, strictly: bool) -> None:
    endpoint, body, pointer, bound = case
    subject = read_by(endpoint, body, strictly=strictly)
    assert isinstance(subject, Unreadable)
    found = subject.faults[0]
    assert (found.pointer, str(bound) in found.reason) == (pointer, True)


EXACTLY = {f"r{number}": "1" for number in range(MAX_NAMES)}
EXTRA = {"a": ["x" * (MAX_EXTRA - len("a") - 1)]}
AT_BOUND: dict[str, tuple[Endpoint, bytes]] = {
    "containers": ("mutate", a_review(a_pod_object(*MANY))),
    "init containers alone": ("mutate", a_review(a_pod_object() | {"spec": {"initContainers": MANY}})),
    "statuses": ("validate", a_review(a_pod_object() | {"status": {"initContainerStatuses": MANY}})),
    "amounts": ("mutate", a_review(a_pod_object(*FULL[:5]))),
    "names of one list": ("mutate", a_review(a_pod_object(overhead=EXACTLY))),
    "a resource's name": ("mutate", a_review(a_pod_object(overhead={"n" * MAX_NAME: "1"}))),
    "our annotation": (
        "mutate",
        a_review(
            a_pod_object() | {"metadata": {"annotations": {"tiergate.io/defaults": "x" * MAX_TEXT}}}, namespace="dev"
        ),
    ),
    "groups": (
        "validate",
        a_review(a_pod_object(), userInfo={"username": "alice", "groups": ["g"] * MAX_GROUPS}),
    ),
    "what is said of a user": ("validate", a_review(a_pod_object(), userInfo={"username": "alice", "extra": EXTRA})),
    **{f"a tier's {name}": ("tiers", a_review(a_tier_object(spec(MAX_ENTRIES)))) for name, spec in ENTRIES.items()},
    **{
        f"a tier's {name}": ("tiers", a_review(a_tier_object({"quotas": quotas})))
        for name, quotas in (
            ("names in all quotas", [{"name": f"q{n}", "hard": dict(list(NAMES.items())[:400])} for n in range(5)]),
            ("scopes", [{"scopes": ["s"] * MAX_SCOPES}]),
            ("expressions", [selector(values=["v"] * (MAX_SCOPES - 1))]),
        )
    },
}


@pytest.mark.parametrize("case", AT_BOUND.values(), ids=AT_BOUND.keys())
@either
def test_what_is_at_the_bound_is_judged(case: tuple[Endpoint, bytes], *, strictly: bool) -> None:
    endpoint, body = case
    assert isinstance(read_by(endpoint, body, strictly=strictly), Pod | TierChange)


def test_a_long_resource_name_is_a_fault() -> None:
    pod: dict[str, Any] = a_pod_object({"name": "a", "resources": {"limits": {LONG: "1"}}})
    (fault,) = faults("mutate", a_review(pod))
    assert fault.pointer == f"/spec/containers/0/resources/limits/{LONG}"


def test_what_is_said_of_a_user_beyond_the_bound_goes_no_further() -> None:
    """Neither into an access review nor into a log line."""
    body = a_review(a_pod_object(), userInfo={"username": "alice", "uid": "u", "extra": {"a": ["x" * MAX_EXTRA]}})
    assert read("validate", body).user_info == UserInfo("alice", "u")
