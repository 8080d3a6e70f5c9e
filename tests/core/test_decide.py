"""The whole decision: order, exemptions, tiers that cannot be used, and what must be read before an answer is given."""

from __future__ import annotations

import pytest

from tests.builders import (
    RELEASE_NAMESPACE,
    a_claim,
    a_container,
    a_pod,
    a_quota,
    a_request,
    a_tier,
    a_tier_quota,
    an_item,
    defaults_of,
    is_silent,
    the_facts,
    validated,
)
from tests.core.deciding import ASKED, MAY, STRANGE, TIER, label
from tiergate.core.decide import decide
from tiergate.core.decision import FactName, Fault
from tiergate.core.exemption import exemption
from tiergate.core.facts import Facts, InvalidTier, MissingTier, TierState
from tiergate.core.mode import Effect, Mode
from tiergate.core.quota import QuotaStatus
from tiergate.core.request import Endpoint, Request, Subject, TierChange, Unreadable
from tiergate.core.tier import Tier

POD = a_pod(a_container(limits={"cpu": "1"}))
STRICT = a_tier(an_item(high={"cpu": "500m"}), quotas=[a_tier_quota({"limits.cpu": "4"})])
UNROUNDED = a_tier(quotas=[a_tier_quota({"limits.cpu": "4.0005"})])
LATE = a_quota({"limits.cpu": "9"})
FREE, FULL = a_quota({"limits.cpu": "4"}), a_quota({"limits.cpu": "4"}, {"limits.cpu": "4"})


@pytest.mark.rule("L-20")
def test_ranges_come_before_quotas_and_all_of_both_are_reported() -> None:
    tier = a_tier(an_item(high={"cpu": "500m"}), quotas=[a_tier_quota({"pods": "0"})])
    pod = a_pod(a_container(limits={"cpu": "2"}))
    decision = validated(pod, tier=tier, quotas=(a_quota({"pods": "0"}),))
    assert [one.rule for one in decision.findings] == ["limit-max", "quota-exceeded"]
    assert not decision.allowed
    assert not decision.patch


def test_an_empty_tier_allows_everything() -> None:
    assert is_silent(validated(a_pod(), tier=a_tier()))
    assert is_silent(defaults_of(a_pod(), a_tier()))


def test_a_mutation_never_refuses() -> None:
    """The validating pass sees the result, with every other webhook's changes."""
    tier = a_tier(an_item(high={"cpu": "500m"}), quotas=[a_tier_quota({"pods": "0"})])
    decision = defaults_of(a_pod(a_container(requests={"cpu": "2"})), tier)
    assert decision.allowed
    assert decision.patch


@pytest.mark.parametrize(
    ("tier", "rules"),
    [
        pytest.param(MissingTier("dve"), ["tier-missing"], id="the-label-names-no-tier"),
        pytest.param(InvalidTier("dev", "min above max"), ["tier-invalid"], id="never-valid"),
        pytest.param(None, [], id="no-label"),
        pytest.param(TIER, [], id="in-force"),
    ],
)
def test_a_tier_that_cannot_be_used_refuses_once_it_was_read_live(tier: TierState, rules: list[str]) -> None:
    decision = decide(a_request(POD), the_facts(tier, (FREE,), fresh=frozenset({"tier"})))
    assert [(one.rule, one.pointer) for one in decision.findings] == [(rule, "") for rule in rules]
    assert decision.governed == (tier is not None)
    assert not decision.needs_fresh


@pytest.mark.parametrize(
    ("facts", "needed"),
    [
        pytest.param(the_facts(TIER, (FREE,)), None, id="room-in-the-cache"),
        pytest.param(the_facts(TIER, (FULL,)), "quotas", id="a-refusal-on-cached-usage"),
        pytest.param(the_facts(TIER, (FULL,), fresh=frozenset({"quotas"})), None, id="a-refusal-on-fresh-usage"),
        pytest.param(the_facts(TIER, (LATE,)), "quotas", id="room-where-native-quota-enforces-more-than-the-tier"),
        pytest.param(the_facts(TIER, (a_quota({"limits.cpu": "4.001"}),)), "quotas", id="late-by-the-least-amount"),
        pytest.param(the_facts(UNROUNDED, (a_quota({"limits.cpu": "4.001"}),)), None, id="rounded-is-not-late"),
        pytest.param(the_facts(TIER, (LATE,), fresh=frozenset({"quotas"})), None, id="the-same-on-fresh-usage"),
        pytest.param(the_facts(TIER), "quota-change", id="a-young-quota-is-waited-for"),
        pytest.param(the_facts(TIER, waited=True), "quotas", id="after-the-wait-it-is-read"),
        pytest.param(the_facts(STRICT, (FREE,)), None, id="a-range-rests-on-no-usage"),
        pytest.param(the_facts(STRICT, (FULL,)), None, id="refused-by-a-range-whatever-the-usage"),
        pytest.param(the_facts(STRICT), None, id="refused-by-a-range-nobody-waits"),
        pytest.param(the_facts(None), "tier", id="no-tier-in-the-cache"),
        pytest.param(the_facts(TIER, (FREE,), trusted=False), "tier", id="stale-caches"),
        pytest.param(the_facts(TIER, (FREE,), trusted=False, fresh=frozenset({"tier"})), "quotas", id="stale-quotas"),
    ],
)
def test_what_must_be_read_before_the_answer(facts: Facts, needed: FactName | None) -> None:
    """Nobody is refused because a cache was late, and nothing is read for a verdict that it cannot change."""
    assert decide(a_request(POD), facts).needs_fresh == needed


@pytest.mark.parametrize("mode", ["Warn", "Audit"])
@pytest.mark.parametrize("quotas", [(), (FULL,)], ids=["young", "full"])
def test_a_tier_that_refuses_nothing_has_nothing_read(mode: Mode, quotas: tuple[QuotaStatus, ...]) -> None:
    tier = a_tier(an_item(high={"cpu": "1m"}), quotas=[a_tier_quota({"limits.cpu": "4"})], mode=mode)
    decision = decide(a_request(POD), the_facts(tier, quotas, usage=quotas))
    assert not decision.needs_fresh
    assert decision.allowed


@pytest.mark.parametrize("namespace", ["kube-system", "kube-x", RELEASE_NAMESPACE])
def test_a_protected_namespace_is_never_governed_whatever_its_label(namespace: str) -> None:
    """Its label may be older than the guard: refusing its pods could lock the cluster out."""
    decision = decide(a_request(POD, namespace=namespace), the_facts(STRICT, (FULL,), fresh=frozenset({"quotas"})))
    assert is_silent(decision)
    assert not decision.governed


@pytest.mark.parametrize(
    ("user", "groups", "who"),
    [
        pytest.param("ops", (), "user ops", id="user"),
        pytest.param("alice", ("dev", "sre"), "group sre", id="group"),
        pytest.param("ops", ("sre",), "user ops", id="user-before-group"),
        pytest.param("alice", ("dev",), "", id="nobody"),
        pytest.param("sre", ("ops",), "", id="a-user-is-no-group"),
        pytest.param("", (), "", id="anonymous"),
    ],
)
def test_a_tier_exempts_users_and_groups(user: str, groups: tuple[str, ...], who: str) -> None:
    tier = a_tier(an_item(high={"cpu": "1m"}), users=["ops"], groups=["sre"])
    decision = decide(a_request(POD, user=user, groups=groups), the_facts(tier))
    assert (decision.exempt, decision.allowed) == (who, bool(who))


@pytest.mark.parametrize(
    ("tier", "exempt"),
    [
        pytest.param(a_tier(users=[], groups=["sre"]), "group sre", id="groups-alone"),
        pytest.param(a_tier(users=["ops"], groups=[]), "user ops", id="users-alone"),
        pytest.param(a_tier(), "", id="neither"),
    ],
)
def test_one_kind_of_exemption_is_enough(tier: Tier, exempt: str) -> None:
    assert exemption(tier, user="ops", groups=("sre",)) == exempt


FAULTS = Unreadable((Fault("/spec/containers", "expected an array"), Fault("/metadata", "expected an object")))


@pytest.mark.parametrize("endpoint", ["mutate", "validate"])
@pytest.mark.parametrize(
    ("facts", "effect"),
    [
        pytest.param(the_facts(TIER), "deny", id="enforce"),
        pytest.param(the_facts(a_tier(mode="Warn")), "warn", id="warn"),
        pytest.param(the_facts(a_tier(mode="Audit")), "audit", id="audit"),
        pytest.param(the_facts(None), "deny", id="no-tier"),
        pytest.param(the_facts(a_tier(users=["bob"])), "deny", id="an-exemption-of-somebody-else"),
        pytest.param(the_facts(a_tier(mode="Warn"), trusted=False), "deny", id="stale-caches"),
    ],
)
def test_what_cannot_be_read_is_denied_where_something_may_be_denied(
    facts: Facts, effect: Effect, endpoint: Endpoint
) -> None:
    decision = decide(a_request(FAULTS, endpoint=endpoint), facts)
    assert [(one.rule, one.pointer, decision.effect_of(one)) for one in decision.findings] == [
        ("malformed", "/spec/containers", effect),
        ("malformed", "/metadata", effect),
    ]
    assert decision.allowed is (effect != "deny")
    assert not decision.needs_fresh


def test_what_cannot_be_read_is_nobodys_business_in_a_protected_namespace_or_of_an_exempt_user() -> None:
    for namespace in ("kube-system", RELEASE_NAMESPACE):
        assert is_silent(decide(a_request(FAULTS, namespace=namespace), the_facts(TIER)))
    exempt = decide(a_request(FAULTS), the_facts(a_tier(users=["alice"])))
    assert (exempt.exempt, exempt.findings) == ("user alice", ())


@pytest.mark.parametrize(
    ("request_of", "facts", "tier", "mode"),
    [
        pytest.param(a_request(POD), the_facts(TIER, (FREE,)), "dev", "Enforce", id="allowed"),
        pytest.param(a_request(POD), the_facts(STRICT, (FREE,)), "dev", "Enforce", id="refused"),
        pytest.param(a_request(POD), the_facts(a_tier(mode="Warn")), "dev", "Warn", id="reported"),
        pytest.param(
            a_request(POD), the_facts(TIER, trusted=False, fresh=frozenset({"tier"})), "dev", "Enforce", id="to-be-read"
        ),
        pytest.param(
            a_request(POD, user="ops"), the_facts(a_tier(users=["ops"], mode="Warn")), "dev", "Warn", id="exempt"
        ),
        pytest.param(
            a_request(POD), the_facts(MissingTier("dev"), fresh=frozenset({"tier"})), "dev", "Enforce", id="missing"
        ),
        pytest.param(
            a_request(POD), the_facts(InvalidTier("dev", ""), fresh=frozenset({"tier"})), "dev", "Enforce", id="invalid"
        ),
        *[
            pytest.param(
                a_request(subject, endpoint="mutate"), the_facts(a_tier(mode=mode)), "dev", mode, id=f"{what}-{mode}"
            )
            for subject, what in ((a_pod(), "defaulted"), (a_claim(), "a-claim-has-no-defaults"))
            for mode in ("Warn", "Audit")
        ],
        pytest.param(a_request(label("dev", None)), the_facts(TIER), "", "Enforce", id="label-removed"),
        pytest.param(a_request(label(None, "dev")), the_facts(TIER), "dev", "Enforce", id="label-set"),
        pytest.param(a_request(label("a", "dev")), the_facts(TIER, fresh=ASKED), "dev", "Enforce", id="label-denied"),
        pytest.param(
            a_request(label(None, "dev")), the_facts(None, fresh=ASKED, permitted=MAY), "dev", "Enforce", id="unchecked"
        ),
        *[
            pytest.param(
                a_request(label(None, "dev")),
                the_facts(tier, fresh=ASKED | {"tier"}, permitted=MAY),
                "dev",
                "Enforce",
                id=f"label-of-{type(tier).__name__}",
            )
            for tier in (TIER, MissingTier("dev"), InvalidTier("dev", ""))
        ],
        pytest.param(a_request(TierChange(None)), the_facts(None), "agent-7f9c", "Enforce", id="tier-deleted"),
        pytest.param(
            a_request(TierChange(None)), the_facts(None, members=("a",)), "agent-7f9c", "Enforce", id="in-use"
        ),
        pytest.param(a_request(TierChange(STRANGE)), the_facts(None), "agent-7f9c", "Enforce", id="tier-written"),
    ],
)
def test_a_decision_names_the_tier_and_the_mode_that_it_was_made_under(
    request_of: Request, facts: Facts, tier: str, mode: Mode
) -> None:
    decision = decide(request_of, facts)
    assert (decision.tier, decision.mode) == (tier, mode)


@pytest.mark.parametrize(
    "subject", [POD, label(None, "dev"), TierChange(TIER), FAULTS], ids=lambda one: type(one).__name__
)
def test_a_decision_is_a_function_of_its_values(subject: Subject) -> None:
    facts = the_facts(STRICT, (FULL,))
    assert decide(a_request(subject), facts) == decide(a_request(subject), facts)
