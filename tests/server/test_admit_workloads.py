"""The endpoint /workloads: which facts a verdict waits for, and that nothing is refused where they are not known."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.builders import (
    Json,
    a_namespace_object,
    a_pod_object,
    a_quota,
    a_tier,
    a_tier_quota,
    an_item,
    an_owner,
)
from tests.core.workloads import a_workload
from tests.reviews import a_review
from tests.server.admission_fakes import FakeState, FakeWorkloads, answer, response
from tiergate.cluster.errors import ApiError, Unreachable
from tiergate.core.quota import QuotaStatus
from tiergate.core.tier import Tier
from tiergate.core.workload_case import UNKNOWN
from tiergate.wire import Malformed

TIER: Tier = a_tier(an_item(high={"cpu": "2"}), quotas=[a_tier_quota({"limits.cpu": "4"})])
STRICT: Tier = msgspec.structs.replace(TIER, workloads="Enforce")
FREE, FULL = a_quota({"limits.cpu": "4"}), a_quota({"limits.cpu": "4"}, {"limits.cpu": "4"})
AWAY = Unreachable("no answer")
STORED = a_workload({"cpu": "1"}, replicas=2)


def an_object(kind: str = "Deployment", cpu: Any = "1", **spec: Any) -> Json:  # noqa: ANN401  # JSON
    """Return a workload as the API server shows it."""
    containers = [{"name": "agent", "resources": {"limits": {"cpu": cpu}}}]
    metadata = {"name": "web", "namespace": "dev"}
    return {"kind": kind, "metadata": metadata, "spec": {"template": {"spec": {"containers": containers}}, **spec}}


def a_scale(replicas: int) -> Json:
    return {"kind": "Scale", "metadata": {"name": "web", "namespace": "dev"}, "spec": {"replicas": replicas}}


def scaled(new: int, old: int) -> bytes:
    return a_review(a_scale(new), old=a_scale(old), operation="UPDATE", subResource="scale")


def a_state(tier: Tier = TIER, **fields: Any) -> FakeState:  # noqa: ANN401  # fields of FakeState
    return FakeState(tiers={"dev": tier}, **{"quotas": (FREE,), **fields})


def told(answered: Any) -> tuple[bool, list[str]]:  # noqa: ANN401  # an Answer
    """Return whether the workload passes, and the warnings."""
    found = response(answered)
    return found["allowed"], found.get("warnings", [])


async def test_a_workload_that_fits_needs_no_live_read_and_no_word() -> None:
    state = a_state()
    answered = await answer("workloads", a_review(an_object(replicas=4)), state)
    assert (told(answered), state.calls, answered.record.outcome) == ((True, []), [], "allowed")


async def test_one_that_never_runs_is_refused_at_once() -> None:
    state = a_state()
    answered = await answer("workloads", a_review(an_object(cpu="3")), state)
    assert state.calls == []
    assert answered.record.outcome == "denied"
    assert answered.record.rules == ("workload-never-runs", "limit-max")
    (cause,) = response(answered)["status"]["details"]["causes"]
    assert cause["reason"] == "workload-never-runs/limit-max"
    assert response(answered)["status"]["message"] == (
        'deployment "web" in namespace "dev" (tier dev): no pod of it can run: container "agent": limits.cpu is 3, '
        "the tier allows at most 2; set limits.cpu and requests.cpu to 2 or less"
    )


@pytest.mark.parametrize(
    ("tier", "now", "expected"),
    [
        pytest.param(TIER, (FREE,), (True, 0), id="room-since"),
        pytest.param(TIER, (FULL,), (True, 1), id="warned-with-live-numbers"),
        pytest.param(STRICT, (FULL,), (False, 0), id="refused-with-live-numbers"),
        pytest.param(STRICT, (FREE,), (True, 0), id="not-refused-because-a-cache-was-late"),
        pytest.param(TIER, AWAY, (True, 1), id="a-warning-needs-no-answer"),
        pytest.param(STRICT, AWAY, (True, 1), id="not-refused-by-numbers-that-nobody-could-read"),
    ],
)
async def test_usage_is_read_live_before_anything_is_said_of_it(
    tier: Tier, now: tuple[QuotaStatus, ...] | Exception, expected: tuple[bool, int]
) -> None:
    state = a_state(tier, quotas=(FULL,), quotas_now=now)
    allowed, warnings = told(await answer("workloads", a_review(an_object()), state))
    assert (allowed, len(warnings)) == expected
    assert state.calls == ["quotas dev"]


async def test_usage_that_is_too_old_is_read_live_or_said_to_be_unknown() -> None:
    state = a_state(quotas=(FULL,), quotas_now=(FREE,), tiers_now={"dev": TIER}, stale=True)
    assert told(await answer("workloads", a_review(an_object()), state)) == (True, [])
    assert state.calls == ["namespace dev", "tier dev", "quotas dev"]
    state = a_state(quotas=(FULL,), quotas_now=AWAY, tiers_now={"dev": TIER}, stale=True)
    allowed, (warning,) = told(await answer("workloads", a_review(an_object()), state))
    assert allowed
    assert warning == "whether its pods fit the quotas was not checked: the usage in the namespace is not known"


EXEMPT = "system:serviceaccount:kube-system:"
OWNED = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": True}


@pytest.mark.parametrize(
    ("tier", "review"),
    [
        pytest.param({"workloads": "Ignore"}, a_review(an_object("DaemonSet")), id="ignored-daemonset"),
        pytest.param({"workloads": "Ignore"}, scaled(5, 2), id="ignored-scale"),
        pytest.param({"workloads": "Ignore"}, a_review(an_object(cpu="half")), id="ignored-unreadable"),
        pytest.param({"workloads": "Ignore"}, a_review(an_object(replicas=99)), id="ignored-too-many"),
        pytest.param(
            {"exempt_users": frozenset({f"{EXEMPT}daemon-set-controller"})},
            a_review(an_object("DaemonSet")),
            id="exempt-daemonset",
        ),
        pytest.param({"exempt_users": frozenset({f"{EXEMPT}replicaset-controller"})}, scaled(5, 2), id="exempt-scale"),
        pytest.param(
            {"exempt_users": frozenset({f"{EXEMPT}replicaset-controller"})},
            a_review(an_object(cpu="half")),
            id="exempt-unreadable",
        ),
    ],
)
async def test_where_nothing_can_be_said_nothing_is_read(tier: dict[str, Any], review: bytes) -> None:
    workloads = FakeWorkloads(scaled=STORED, nodes=9)
    state = a_state(msgspec.structs.replace(STRICT, **tier), quotas=(FULL,), workloads=workloads)
    answered = await answer("workloads", review, state)
    assert (told(answered), state.calls, workloads.calls) == ((True, []), [], [])


async def test_what_another_workload_made_is_not_judged_again() -> None:
    made = an_object("ReplicaSet", cpu="3")
    for owners, allowed in (([OWNED], True), ([{**OWNED, "apiVersion": "example.com/v1"}], False)):
        metadata = {**made["metadata"], "ownerReferences": owners}
        assert told(await answer("workloads", a_review({**made, "metadata": metadata}), a_state()))[0] is allowed


async def test_an_owner_that_anybody_can_write_lets_no_pod_pass() -> None:
    """A ReplicaSet with a made-up owner is not judged; its pods are, whoever is said to own them."""
    container = {"name": "agent", "image": "agent:1", "resources": {"limits": {"cpu": "3"}}}
    for owner in (OWNED, an_owner(), an_owner(kind="Node", apiVersion="v1"), an_owner(controller=None)):
        pod = a_pod_object(container)
        pod["metadata"]["ownerReferences"] = [owner]
        assert told(await answer("validate", a_review(pod), a_state()))[0] is False


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(FakeState(namespaces={"dev": None}), id="no-tier"),
        pytest.param(a_state(workloads=FakeWorkloads(UNKNOWN)), id="nothing-known-around"),
        pytest.param(a_state(msgspec.structs.replace(TIER, workloads="Ignore")), id="ignored"),
        pytest.param(a_state(msgspec.structs.replace(TIER, exempt_users=frozenset({"alice"}))), id="exempt-user"),
        pytest.param(
            a_state(msgspec.structs.replace(TIER, exempt_groups=frozenset({"system:serviceaccounts:kube-system"}))),
            id="exempt-controllers",
        ),
    ],
)
async def test_where_nobody_keeps_its_pods_back_nothing_is_said(state: FakeState) -> None:
    assert told(await answer("workloads", a_review(an_object(cpu="3")), state)) == (True, [])


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        (FakeState(namespaces={"dev": "dve"}), 'names "dve", and there is no such tier'),
        (FakeState(namespaces={"dev": "dev"}, tiers_now={"dev": Malformed("/spec", "bad")}), "tier dev: /spec: bad"),
    ],
    ids=["no-such-tier", "bad-tier"],
)
async def test_where_no_tier_is_usable_whoever_applies_is_warned(state: FakeState, cause: str) -> None:
    allowed, (said,) = told(await answer("workloads", a_review(an_object(cpu="3")), state))
    assert (allowed, said.startswith("no pod of it can run: "), cause in said) == (True, True, True)


async def test_a_namespace_of_the_cluster_is_left_alone() -> None:
    review = a_review(an_object(cpu="3"), namespace="kube-flannel")
    assert (
        await answer("workloads", review, a_state(namespaces={"kube-flannel": "dev"}))
    ).record.outcome == "ungoverned"


@pytest.mark.parametrize(
    ("mode", "warnings", "annotated"),
    [("Warn", 1, False), ("Audit", 0, True)],
)
async def test_in_the_other_modes_it_is_told_of_and_never_refused(mode: Any, warnings: int, annotated: bool) -> None:  # noqa: ANN401, FBT001  # a mode
    tier = msgspec.structs.replace(STRICT, mode=mode)
    full = a_quota({"limits.cpu": "4"}, {"limits.cpu": "4"})
    for new, word in ((an_object(cpu="3"), "can run"), (an_object(), "pods fit")):
        answered = await answer("workloads", a_review(new), a_state(tier, quotas=(), usage=(full,)))
        allowed, said = told(answered)
        assert (allowed, min(1, len(said))) == (True, warnings)
        annotations = response(answered).get("auditAnnotations", {})
        assert ("violations" in annotations) is annotated
        line = said[0] if said else annotations["violations"]
        assert line.startswith('would violate tier "dev": ')
        assert word in line
        assert answered.record.outcome == ("warned" if mode == "Warn" else "audited")


async def test_what_is_not_the_tier_s_is_no_violation_of_it_in_these_modes() -> None:
    """A ResourceQuota or LimitRange that others made refuses now."""
    theirs = a_quota({"limits.cpu": "2"}, {"limits.cpu": "0"}, name="theirs", managed=False)
    state = a_state(msgspec.structs.replace(STRICT, mode="Warn"), quotas=(theirs,), usage=())
    for new, start in (
        (an_object(cpu="3"), 'no pod of it can run: quota "theirs"'),
        (an_object(replicas=3), "2 of 3 pods fit"),
    ):
        _, lines = told(await answer("workloads", a_review(new), state))
        assert [line for line in lines if "theirs" in line and line.startswith(start)], lines


@pytest.mark.parametrize(("mode", "key"), [("Warn", "warnings"), ("Audit", "auditAnnotations")])
async def test_what_enforce_only_warns_of_is_told_as_such_and_is_no_violation(mode: Any, key: str) -> None:  # noqa: ANN401  # a mode
    said = "in mode Enforce: 3 of 5 pods fit"
    quota = a_quota({"limits.cpu": "4"}, {"limits.cpu": "1"})
    state = a_state(msgspec.structs.replace(TIER, mode=mode), quotas=(), usage=(quota,))
    answered = await answer("workloads", a_review(an_object(replicas=5)), state)
    found = response(answered)[key]
    lines = found if mode == "Warn" else [found["warnings"]]
    assert [line[: len(said)] for line in lines] == [said]
    assert mode == "Warn" or "violations" not in found
    assert answered.record.outcome == "allowed"


async def test_the_usage_that_these_modes_compute_may_not_be_known() -> None:
    tier = msgspec.structs.replace(TIER, mode="Warn")
    answered = await answer("workloads", a_review(an_object()), a_state(tier, quotas=(), usage=None))
    allowed, (warning,) = told(answered)
    assert allowed
    assert "was not checked" in warning


@pytest.mark.parametrize(
    ("new", "old", "stored", "expected"),
    [
        pytest.param(5, 2, STORED, (1, 1), id="more-than-fit"),
        pytest.param(4, 2, STORED, (0, 1), id="more-that-fit"),
        pytest.param(1, 2, STORED, (0, 0), id="fewer"),
        pytest.param(0, 2, STORED, (0, 0), id="none"),
        pytest.param(5, 2, None, (0, 1), id="gone-meanwhile"),
        pytest.param(5, 2, AWAY, (1, 1), id="not-read"),
        pytest.param(5, 2, ApiError(403, "Forbidden", ""), (1, 1), id="not-permitted"),
    ],
)
async def test_a_scale_is_judged_by_the_workload_as_it_is_stored(
    new: int,
    old: int,
    stored: Any,  # noqa: ANN401  # a workload or an error
    expected: tuple[int, int],
) -> None:
    workloads = FakeWorkloads(scaled=stored)
    allowed, warnings = told(await answer("workloads", scaled(new, old), a_state(STRICT, workloads=workloads)))
    assert allowed
    assert (len(warnings), len(workloads.calls)) == expected
    assert set(workloads.calls) <= {"Deployment dev/web"}


@pytest.mark.parametrize(("api_server_waits", "wait"), [(3, "1"), (1, "0.4")])
async def test_the_first_daemonset_waits_for_the_nodes(api_server_waits: float, wait: str) -> None:
    """The second one finds them; what is read after them has time, too."""
    workloads, body = FakeWorkloads(nodes=5), a_review(an_object("DaemonSet"))
    for _ in range(2):
        _, (warning,) = told(await answer("workloads", body, a_state(workloads=workloads), timeout=api_server_waits))
        assert warning.startswith("4 of 5 pods fit")
        assert workloads.calls == [f"nodes {wait}"]


@pytest.mark.parametrize(
    "new",
    [
        pytest.param(an_object(cpu="half"), id="no-quantity"),
        pytest.param(an_object(strategy={"rollingUpdate": {"maxSurge": "many"}}), id="no-share"),
        pytest.param(
            {**an_object(), "spec": {"template": {"spec": {"containers": [{}] * 5000}}}}, id="5000-containers"
        ),
        pytest.param({**an_object(), "spec": {"replicas": "many"}}, id="no-number"),
        pytest.param({**an_object(), "spec": []}, id="no-object"),
    ],
)
async def test_what_cannot_be_judged_passes_with_a_word(new: Json) -> None:
    """The API server refuses it itself, or its pods are refused."""
    answered = await answer("workloads", a_review(new), a_state(STRICT))
    allowed, warnings = told(answered)
    assert (allowed, len(warnings), answered.record.outcome) == (True, 1, "malformed")


@pytest.mark.parametrize(
    "new",
    [
        pytest.param(an_object(replicas=2**31 - 1, strategy={"rollingUpdate": {"maxSurge": "200%"}}), id="absurd"),
        pytest.param(an_object(replicas=-1), id="negative"),
        pytest.param(an_object(cpu="-1"), id="negative-limit"),
        pytest.param({**an_object(), "spec": {}}, id="no-template"),
        pytest.param({**an_object(), "spec": None}, id="no-spec"),
        pytest.param(an_object(unknown={"a": [1, 2]}), id="unknown-field"),
    ],
)
async def test_bad_values_never_refuse(new: Json) -> None:
    for old in (None, an_object()):
        operation = "CREATE" if old is None else "UPDATE"
        allowed, warnings = told(await answer("workloads", a_review(new, old=old, operation=operation), a_state(TIER)))
        assert allowed
        assert all(len(one) <= 250 for one in warnings)


async def test_many_faults_stay_within_what_the_api_server_passes_on() -> None:
    containers = [{"name": "a" * 63 + str(one), "resources": {"limits": {"cpu": "3"}}} for one in range(200)]
    tier = msgspec.structs.replace(TIER, mode="Warn")
    review = a_review({**an_object(), "spec": {"template": {"spec": {"containers": containers}}}})
    _, warnings = told(await answer("workloads", review, a_state(tier, quotas=(), usage=())))
    assert warnings[-1] == f"and {200 - len(warnings) + 1} more"
    assert 3000 < sum(map(len, warnings)) < 4096
    assert all(len(one) <= 250 and one.isprintable() for one in warnings)


async def test_another_resource_is_a_mistake_of_the_configuration() -> None:
    assert (await answer("workloads", a_review(a_namespace_object()), a_state())).status == 400
