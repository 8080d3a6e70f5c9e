"""What a tier in mode Warn or Audit tells of: all that it would refuse in Enforce, and nothing it refuses."""

from __future__ import annotations

import msgspec
import pytest

from tests.builders import (
    Texts,
    a_claim,
    a_container,
    a_pod,
    a_quota,
    a_request,
    a_tier,
    a_tier_quota,
    amounts,
    an_item,
    defaults_of,
    is_silent,
    reported,
    the_facts,
    validated,
)
from tests.core.workloads import KNOWN, a_template, a_workload
from tests.core.workloads import judged as workload_judged
from tiergate.core.claim import Claim
from tiergate.core.decide import decide
from tiergate.core.decision import Decision, Finding
from tiergate.core.desired import desired_quotas, native_quotas
from tiergate.core.facts import InvalidTier, MissingTier
from tiergate.core.mode import MODES, Effect, Mode
from tiergate.core.native import LimitRange
from tiergate.core.podspec import ContainerStatus, Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.rules import sentence
from tiergate.core.tally import names_to_count, unmeasured
from tiergate.core.tier import Tier
from tiergate.core.workload import NONE, ONE_POD, Rollout, Workload
from tiergate.core.workload_case import Around

REPORTING: tuple[Mode, ...] = ("Warn", "Audit")
HARD = {"limits.cpu": "1", "pods": "3"}
reporting = pytest.mark.parametrize("mode", REPORTING)


def the_tier(mode: Mode) -> Tier:
    item = an_item(default={"cpu": "250m"}, high={"memory": "512Mi"})
    return a_tier(item, quotas=[a_tier_quota(HARD)], mode=mode)


BROKEN = a_pod(a_container(limits={"cpu": "2", "memory": "1Gi"}))
WITHOUT_CPU = a_pod(a_container(limits={"memory": "1Mi"}))
QUOTA = a_quota(HARD, {"pods": "3"})


@pytest.mark.parametrize(
    ("mode", "of_rule", "effect", "lifted"),
    [
        ("Enforce", "deny", "deny", False),
        ("Enforce", "warn", "warn", False),
        ("Warn", "deny", "warn", True),
        ("Warn", "warn", "warn", False),
        ("Audit", "deny", "audit", True),
        ("Audit", "warn", "audit", False),
    ],
)
def test_what_becomes_of_a_finding_in_each_mode(mode: Mode, of_rule: Effect, effect: Effect, lifted: bool) -> None:  # noqa: FBT001  # of pytest
    finding = Finding("limit-max", "", effect=of_rule)
    decision = Decision((finding,), mode=mode)
    assert (decision.effect_of(finding), decision.lifts(finding)) == (effect, lifted)
    assert (decision.allowed, bool(decision.violations)) == (effect != "deny", of_rule == "deny")


@pytest.mark.rule("D-5a")
@reporting
def test_the_same_is_told_as_enforce_would_refuse(mode: Mode) -> None:
    refused = validated(BROKEN, old=None, tier=the_tier("Enforce"), quotas=(QUOTA,))
    told = reported(BROKEN, old=None, tier=the_tier(mode), quotas=(QUOTA,), unchecked=False)
    assert [one.rule for one in told.findings] == ["limit-max", "quota-exceeded", "quota-exceeded"]
    assert {one.effect for one in refused.findings} == {"deny"}
    assert told.findings == refused.findings
    assert told.allowed
    assert not refused.allowed
    assert told.mode == mode


@reporting
def test_what_fits_is_simply_allowed(mode: Mode) -> None:
    pod = a_pod(a_container(limits={"cpu": "1", "memory": "1Mi"}))
    quota = a_quota(HARD)
    assert is_silent(reported(pod, old=None, tier=the_tier(mode), quotas=(quota,), unchecked=False))


@reporting
def test_a_quota_that_is_not_there_is_no_violation(mode: Mode) -> None:
    """There never is one in these modes; ranges are judged all the same, and the decision says what was left out."""
    told = reported(BROKEN, old=None, tier=the_tier(mode), quotas=(), unchecked=True)
    assert [one.rule for one in told.findings] == ["limit-max"]
    assert told.unchecked
    silent = reported(WITHOUT_CPU, old=None, tier=the_tier(mode), quotas=(), unchecked=True)
    assert silent.unchecked
    assert silent.allowed
    assert not silent.findings


@reporting
def test_a_foreign_quota_that_is_not_in_force_is_left_to_native_quota(mode: Mode) -> None:
    young = a_quota({"pods": "1"}, name="young", managed=False)
    unknown = type(young)(name="young", hard=young.hard, used={})
    assert is_silent(reported(a_pod(), old=None, tier=a_tier(mode=mode), quotas=(unknown,), unchecked=False))


@reporting
def test_beside_its_own_usage_a_tier_tells_of_other_people_s_quotas(mode: Mode) -> None:
    """An object of ours is on its way out, as the tier has none in these modes."""
    full = {"pods": "1"}
    quotas = (a_quota(full, full), a_quota(full, full, name="theirs", managed=False))
    told = decide(a_request(a_pod()), the_facts(a_tier(mode=mode), quotas, usage=()))
    assert [(one.rule, one.quota) for one in told.findings] == [("quota-exceeded", "theirs")]


def test_in_audit_a_new_pod_is_judged_as_if_it_had_the_defaults() -> None:
    """They are not set in Audit, and in Enforce the pod would have them: it would not lack what the quota demands."""
    bare = a_pod(a_container())
    audit = reported(bare, old=None, tier=the_tier("Audit"), quotas=(a_quota(HARD),), unchecked=False)
    assert is_silent(audit)
    full = reported(
        bare, old=None, tier=the_tier("Audit"), quotas=(a_quota(HARD, {"limits.cpu": "900m"}),), unchecked=False
    )
    assert [(one.rule, str(one.actual)) for one in full.findings] == [("quota-exceeded", "250m")]


@pytest.mark.rule("D-17", "R-24")
@pytest.mark.parametrize(
    ("default", "scope", "rules"),
    [
        pytest.param({"cpu": "250m"}, "BestEffort", [], id="best-effort"),
        pytest.param({"cpu": "250m"}, "NotBestEffort", ["quota-exceeded"], id="not"),
        pytest.param({}, "BestEffort", ["quota-exceeded"], id="best-effort-without-defaults"),
        pytest.param({}, "NotBestEffort", [], id="not-without-defaults"),
    ],
)
def test_in_audit_a_quota_counts_the_pod_by_the_qos_class_it_would_have(
    default: Texts, scope: str, rules: list[str]
) -> None:
    """R-24, D-17: the server called it BestEffort, having seen no defaults; with them it is Burstable."""
    tier = a_tier(an_item(default=default), quotas=[a_tier_quota({"pods": "1"}, scopes=[scope])], mode="Audit")
    full = a_quota({"pods": "1"}, {"pods": "1"}, scopes=[scope])
    bare = a_pod(a_container(), qos_class="BestEffort")
    told = reported(bare, old=None, tier=tier, quotas=(full,), unchecked=False)
    assert [one.rule for one in told.findings] == rules


@pytest.mark.rule("D-5a", "D-7a")
@pytest.mark.parametrize(("minor", "limits"), [(36, {}), (37, {"limits.cpu": "1"})], ids=["up-to-1.36", "from-1.37"])
def test_in_audit_pod_level_limits_follow_the_defaults(minor: int, limits: Texts) -> None:
    """D-7a: from 1.37 on the containers' default limits would have given the pod a limit of its own."""
    tier = a_tier(an_item(default={"cpu": "250m"}), quotas=[a_tier_quota({"limits.cpu": "4"})], mode="Audit")
    full = a_quota({"limits.cpu": "4"}, {"limits.cpu": "3500m"})
    pod = a_pod(a_container("a"), a_container("b"), requests={"cpu": "1"})
    told = reported(pod, old=None, tier=tier, quotas=(full,), unchecked=False, minor=minor)
    assert {one.resource: str(one.actual) for one in told.findings} == limits


@pytest.mark.rule("L-4")
def test_in_audit_a_resize_is_judged_as_it_is() -> None:
    """Defaults are for new pods (L-4)."""
    told = reported(a_pod(), old=a_pod(), tier=the_tier("Audit"), quotas=(a_quota(HARD),), unchecked=False)
    assert [one.rule for one in told.findings] == ["quota-required"]


def test_in_warn_a_pod_is_judged_as_it_is() -> None:
    """Its defaults were set before; a container without them came later."""
    told = reported(WITHOUT_CPU, old=None, tier=the_tier("Warn"), quotas=(a_quota(HARD),), unchecked=False)
    assert [one.rule for one in told.findings] == ["quota-required"]


@pytest.mark.rule("R-21")
@reporting
@pytest.mark.parametrize(
    ("now", "rules"), [pytest.param(130.0, ["quota-exceeded"], id="in-grace"), pytest.param(130.5, [], id="after")]
)
def test_a_resize_of_a_pod_stuck_in_its_deletion_asks_for_nothing(mode: Mode, now: float, rules: list[str]) -> None:
    """R-21."""
    tier = a_tier(quotas=[a_tier_quota({"requests.cpu": "1"})], mode=mode)
    full = a_quota({"requests.cpu": "1"}, {"requests.cpu": "1"})
    new, old = (
        a_pod(a_container(requests={"cpu": amount}), deleted_at=100.0, grace_seconds=30) for amount in ("2", "1")
    )
    told = reported(new, old=old, tier=tier, quotas=(full,), unchecked=False, now=now)
    assert [one.rule for one in told.findings] == rules


@pytest.mark.rule("R-32", "R-33")
@reporting
@pytest.mark.parametrize(("minor", "asked"), [(36, ["1"]), (37, [])], ids=["R-32", "R-33"])
def test_a_resize_is_told_of_by_the_rule_of_the_release(mode: Mode, minor: int, asked: list[str]) -> None:
    statuses = {
        name: ContainerStatus(requests=amounts({"cpu": cpu}), allocated=amounts({"cpu": cpu}))
        for name, cpu in (("a", "1"), ("b", "2"))
    }
    new, old = (
        a_pod(a_container("a", requests={"cpu": a}), a_container("b", requests={"cpu": b}), statuses=statuses)
        for a, b in (("2", "1"), ("1", "2"))
    )
    tier = a_tier(quotas=[a_tier_quota({"requests.cpu": "0"})], mode=mode)
    full = a_quota({"requests.cpu": "0"})
    told = reported(new, old=old, tier=tier, quotas=(full,), unchecked=False, minor=minor)
    assert [str(one.actual) for one in told.findings] == asked


@pytest.mark.rule("audit-defaults")
@pytest.mark.parametrize(
    ("mode", "patched", "named"), [("Enforce", True, ""), ("Warn", True, ""), ("Audit", False, "cpu")]
)
def test_defaults_are_set_in_enforce_and_warn_and_named_in_audit(mode: Mode, patched: bool, named: str) -> None:  # noqa: FBT001  # a parameter
    decision = defaults_of(a_pod(), the_tier(mode))
    assert bool(decision.patch) == patched
    assert named in decision.defaults
    assert bool(decision.defaults) == bool(named)
    complete = a_pod(a_container(limits={"cpu": "1", "memory": "1Mi"}))
    assert is_silent(defaults_of(complete, the_tier(mode)))


@pytest.mark.parametrize("mode", MODES)
def test_a_missing_or_never_valid_tier_refuses_whatever_its_mode(mode: Mode) -> None:
    """Nobody knows the mode of a tier that is not there."""
    assert the_tier(mode).mode == mode
    for unusable in (MissingTier("dev"), InvalidTier("dev", "min above max")):
        assert not decide(a_request(a_pod()), the_facts(unusable, fresh=frozenset({"tier"}))).allowed


@pytest.mark.parametrize(("mode", "names"), [("Enforce", ["tier"]), ("Warn", []), ("Audit", [])])
def test_native_quotas_are_wanted_in_enforce_alone(mode: Mode, names: list[str]) -> None:
    assert [one.name for one in native_quotas(the_tier(mode))] == names
    assert [one.name for one in desired_quotas(the_tier(mode))] == ["tier"]


@pytest.mark.parametrize(
    ("tiers", "kinds"),
    [
        pytest.param([the_tier("Enforce")], set(), id="native-quota-counts"),
        pytest.param([the_tier("Warn")], {Pod}, id="pods"),
        pytest.param([a_tier(quotas=[a_tier_quota({"requests.storage": "1Gi"})], mode="Audit")], {Claim}, id="claims"),
        pytest.param(
            [the_tier("Warn"), a_tier(quotas=[a_tier_quota({"persistentvolumeclaims": "1"})], mode="Audit")],
            {Pod, Claim},
            id="two-tiers",
        ),
        pytest.param([a_tier(an_item(high={"cpu": "1"}), mode="Warn")], set(), id="no-quota"),
        pytest.param([a_tier(quotas=[a_tier_quota({"services": "1"})], mode="Warn")], set(), id="nothing-of-ours"),
        pytest.param([], set(), id="no-tier"),
    ],
)
def test_objects_are_counted_only_for_tiers_that_need_it(tiers: list[Tier], kinds: set[type[Pod | Claim]]) -> None:
    assert {kind for kind in (Pod, Claim) if names_to_count(tiers, kind)} == kinds


def test_names_are_counted_that_some_tier_bounds() -> None:
    other = a_tier(quotas=[a_tier_quota({"requests.cpu": "1", "requests.storage": "1Gi"})], mode="Audit")
    tiers = [the_tier("Warn"), other, a_tier(quotas=[a_tier_quota({"requests.memory": "1Gi"})])]
    assert names_to_count(tiers, Pod) == {"limits.cpu", "pods", "requests.cpu"}
    assert names_to_count(tiers, Claim) == {"requests.storage"}


def test_names_of_neither_pods_nor_claims_are_nobodys_in_these_modes() -> None:
    tier = a_tier(quotas=[a_tier_quota({"pods": "1", "services": "2", "count/jobs.batch": "3"})], mode="Warn")
    assert unmeasured(tier) == ("count/jobs.batch", "services")


@reporting
def test_the_growth_of_a_claim_is_told_of(mode: Mode) -> None:
    tier = a_tier(quotas=[a_tier_quota({"requests.storage": "10Gi"})], mode=mode)
    quota = a_quota({"requests.storage": "10Gi"}, {"requests.storage": "8Gi"})
    grown, before = a_claim("8Gi"), a_claim("5Gi")
    told = reported(grown, old=before, tier=tier, quotas=(quota,), unchecked=False)
    assert [(one.rule, str(one.actual)) for one in told.findings] == [("quota-exceeded", "3Gi")]


ROLLS = a_workload({"cpu": "1"}, rollout=Rollout(ONE_POD, NONE))
CHANGED = msgspec.structs.replace(ROLLS, template=a_template({"cpu": "500m"}), written=b"another")
OURS = a_quota({"limits.cpu": "1"}, {"limits.cpu": "1"})
THEIRS = msgspec.structs.replace(OURS, name="theirs", managed=False)
RANGES = msgspec.structs.replace(KNOWN, limit_ranges=(LimitRange("own", (an_item(high={"cpu": "100m"}),)),))


@pytest.mark.parametrize(
    ("old", "quotas", "around", "expected"),
    [
        pytest.param(ROLLS, (OURS,), KNOWN, "in mode Enforce: its rollout will stall: ", id="stalls"),
        pytest.param(ROLLS, (THEIRS,), KNOWN, "its rollout will stall: ", id="stalls-at-a-quota-that-is-there"),
        pytest.param(None, (OURS,), KNOWN, "in mode Enforce: 0 of 1 pods fit into ", id="does-not-fit"),
        pytest.param(None, (THEIRS,), KNOWN, "0 of 1 pods fit into ", id="does-not-fit-a-quota-that-is-there"),
        pytest.param(None, (), RANGES, "no pod of it can run: LimitRange ", id="a-limit-range-that-is-there"),
    ],
)
def test_pods_that_run_in_this_mode_are_not_said_to_stall(
    old: Workload | None, quotas: tuple[QuotaStatus, ...], around: Around, expected: str
) -> None:
    """Without mode Enforce the tier has no ResourceQuota; one that is not the tier's refuses in every mode."""
    tier = a_tier(quotas=[a_tier_quota({"limits.cpu": "1"})], mode="Warn")
    found = workload_judged(CHANGED, old=old, tier=tier, quotas=quotas, around=around)
    lines = [sentence(one, namespace="dev", mode="Warn") for one in found]
    assert [line[: len(expected)] for line in lines] == [expected]
