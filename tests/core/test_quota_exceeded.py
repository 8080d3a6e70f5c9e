"""What a request may add to a namespace's quotas (R-1, R-44, R-50 to R-52)."""

from __future__ import annotations

import pytest

from tests.builders import Texts, a_claim, a_container, a_pod, a_quota, a_tier, a_tier_quota, amounts, validated
from tiergate.core.claim import Claim
from tiergate.core.decision import Finding
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.tier import Tier

FREE: Tier = a_tier()


def exceeded(
    subject: Pod | Claim, *quotas: QuotaStatus, old: Pod | Claim | None = None, tier: Tier = FREE
) -> list[Finding]:
    decision = validated(subject, old=old, tier=tier, quotas=quotas)
    return [one for one in decision.findings if one.rule == "quota-exceeded"]


def numbers(*found: Finding) -> list[tuple[str, str, str, str]]:
    return [(one.resource, str(one.actual), str(one.used), str(one.bound)) for one in found]


ONE_CPU = a_pod(a_container(requests={"cpu": "1"}))


@pytest.mark.rule("R-9", "R-50", "R-51")
@pytest.mark.parametrize(
    ("hard", "used", "broken"),
    [
        pytest.param({"requests.cpu": "4"}, {"requests.cpu": "3"}, [], id="R-51-equality-is-allowed"),
        pytest.param(
            {"requests.cpu": "4"},
            {"requests.cpu": "3500m"},
            [("requests.cpu", "1", "3500m", "4")],
            id="R-51-over-by-half",
        ),
        pytest.param({"requests.cpu": "1"}, {}, [], id="R-50-exactly-all-of-it"),
        pytest.param({"requests.cpu": "999m"}, {}, [("requests.cpu", "1", "0", "999m")], id="R-50-more-than-all"),
        pytest.param(
            {"cpu": "1", "requests.cpu": "1"},
            {"cpu": "1", "requests.cpu": "1"},
            [("cpu", "1", "1", "1"), ("requests.cpu", "1", "1", "1")],
            id="R-52-both-spellings-are-reported",
        ),
        pytest.param(
            {"pods": "2", "requests.cpu": "2", "count/pods": "9"},
            {"pods": "2", "requests.cpu": "2"},
            [("pods", "1", "2", "2"), ("requests.cpu", "1", "2", "2")],
            id="R-51-only-the-exceeded-names-sorted",
        ),
        pytest.param({"limits.cpu": "1"}, {"limits.cpu": "5"}, [], id="R-50-a-name-that-is-not-asked-does-not-block"),
        pytest.param({"services": "0"}, {}, [], id="R-9-names-of-other-kinds"),
        pytest.param({"pods": "0"}, {}, [("pods", "1", "0", "0")], id="R-50-hard-zero"),
    ],
)
def test_used_plus_asked_must_stay_within_hard(
    hard: Texts, used: Texts, broken: list[tuple[str, str, str, str]]
) -> None:
    assert numbers(*exceeded(ONE_CPU, a_quota(hard, used))) == broken


@pytest.mark.rule("R-50")
def test_an_over_full_quota_does_not_block_what_does_not_increase_it() -> None:
    """R-50.6."""
    quota = a_quota({"requests.cpu": "1", "limits.cpu": "1"}, {"requests.cpu": "9", "limits.cpu": "9"})
    assert exceeded(a_pod(a_container(limits={"cpu": "0"})), quota) == []


@pytest.mark.rule("R-51")
def test_every_quota_that_fails_is_reported() -> None:
    """R-51 reports the first; we report all."""
    quotas = [a_quota({"pods": "0"}, name=name, managed=False) for name in ("a", "b")]
    assert [one.quota for one in exceeded(a_pod(), *quotas)] == ["a", "b"]


@pytest.mark.rule("R-1")
def test_status_counts_and_not_what_was_asked_of_the_quota() -> None:
    """R-1."""
    spec_only = QuotaStatus("theirs", spec_hard=amounts({"pods": "0"}))
    assert exceeded(a_pod(), spec_only) == []


@pytest.mark.rule("R-9")
def test_a_quota_of_another_scope_does_not_count() -> None:
    """R-9."""
    assert exceeded(a_pod(), a_quota({"pods": "0"}, scopes=["NotBestEffort"])) == []
    assert exceeded(a_pod(), a_quota({"pods": "0"}, scopes=["BestEffort"])) != []


def cpu(amount: str, **fields: object) -> Pod:
    return a_pod(a_container(limits={"cpu": amount}), **fields)  # type: ignore[arg-type]  # fields of Pod


@pytest.mark.rule("R-50")
@pytest.mark.parametrize(
    ("old", "new", "broken"),
    [
        pytest.param("2", "2", [], id="R-50.3-unchanged"),
        pytest.param("2", "1", [], id="R-35-down-is-free"),
        pytest.param("2", "2100m", [("limits.cpu", "100m", "4", "4")], id="R-35-up-charges-the-increase"),
    ],
)
def test_a_resize_is_charged_its_increase(old: str, new: str, broken: list[tuple[str, str, str, str]]) -> None:
    quota = a_quota({"limits.cpu": "4"}, {"limits.cpu": "4"})
    assert numbers(*exceeded(cpu(new), quota, old=cpu(old))) == broken


def test_a_resize_that_fits_is_allowed() -> None:
    quota = a_quota({"limits.cpu": "4", "pods": "1"}, {"limits.cpu": "3", "pods": "1"})
    assert exceeded(cpu("2"), quota, old=cpu("1")) == []


@pytest.mark.rule("R-50")
def test_a_quota_that_matched_only_the_new_object_is_charged_in_full() -> None:
    """R-50.3: the increase is only meant where the old object was already counted."""
    quota = a_quota({"limits.cpu": "4"}, {"limits.cpu": "3"}, scopes=["NotBestEffort"])
    old, new = cpu("1", qos_class="BestEffort"), cpu("2", qos_class="Burstable")
    assert numbers(*exceeded(new, quota, old=old)) == [("limits.cpu", "2", "3", "4")]


@pytest.mark.rule("R-41", "R-44")
@pytest.mark.parametrize(
    ("old", "new", "used", "broken"),
    [
        pytest.param("5Gi", "8Gi", "8Gi", [("requests.storage", "3Gi", "8Gi", "10Gi")], id="R-44-increase"),
        pytest.param("5Gi", "7Gi", "8Gi", [], id="R-44-increase-that-fits"),
        pytest.param("5Gi", "4Gi", "20Gi", [], id="R-44-never-negative"),
        pytest.param(None, "8Gi", "8Gi", [("requests.storage", "8Gi", "8Gi", "10Gi")], id="R-41-create"),
    ],
)
def test_a_claim_is_charged_its_increase(
    old: str | None, new: str, used: str, broken: list[tuple[str, str, str, str]]
) -> None:
    quota = a_quota({"requests.storage": "10Gi"}, {"requests.storage": used})
    found = exceeded(a_claim(new), quota, old=None if old is None else a_claim(old))
    assert numbers(*found) == broken
    assert [one.pointer for one in found] == ["/spec/resources/requests/storage"] * len(broken)


@pytest.mark.parametrize(
    ("subject", "old", "quota", "fits"),
    [
        pytest.param(ONE_CPU, None, a_quota({"cpu": "4"}, {"cpu": "3500m"}), "500m", id="create"),
        pytest.param(ONE_CPU, None, a_quota({"cpu": "4"}, {"cpu": "5"}), "0", id="nothing-fits"),
        pytest.param(cpu("800m"), cpu("300m"), a_quota({"limits.cpu": "4"}, {"limits.cpu": "3800m"}), "500m", id="up"),
        pytest.param(
            a_claim("9Gi"),
            a_claim("5Gi"),
            a_quota({"requests.storage": "10Gi"}, {"requests.storage": "8Gi"}),
            "7Gi",
            id="claim",
        ),
        pytest.param(
            a_claim("9Gi"),
            a_claim("5Gi"),
            a_quota({"requests.storage": "10Gi"}, {"requests.storage": "11Gi"}),
            "5Gi",
            id="a-claim-does-not-shrink",
        ),
        pytest.param(
            cpu("800m"), cpu("300m"), a_quota({"limits.cpu": "4"}, {"limits.cpu": "5"}), "300m", id="as-it-was"
        ),
    ],
)
def test_the_largest_amount_that_would_pass_is_named(
    subject: Pod | Claim, old: Pod | Claim | None, quota: QuotaStatus, fits: str
) -> None:
    (found,) = exceeded(subject, quota, old=old)
    assert str(found.fits) == fits


@pytest.mark.parametrize(
    ("pod", "named"),
    [
        pytest.param(ONE_CPU, "agent", id="the-only-container"),
        pytest.param(a_pod(a_container("a", requests={"cpu": "1"}), a_container("b")), "", id="several"),
        pytest.param(a_pod(a_container(requests={"cpu": "1"}), init=[a_container(init=True)]), "", id="init"),
        pytest.param(a_pod(requests={"cpu": "1"}), "", id="pod-level"),
        pytest.param(a_pod(a_container(requests={"cpu": "1"}), overhead={"cpu": "1m"}), "", id="overhead"),
    ],
)
def test_a_container_is_named_only_where_it_makes_the_charge_alone(pod: Pod, named: str) -> None:
    (found,) = exceeded(pod, a_quota({"requests.cpu": "0"}))
    assert found.container == named


def test_a_bound_is_reported_under_the_name_the_tier_gives_it() -> None:
    tier = a_tier(
        quotas=[a_tier_quota({"pods": "0", "requests.cpu": "9"}), a_tier_quota({"requests.cpu": "0"}, name="tight")]
    )
    found = exceeded(ONE_CPU, a_quota({"pods": "0", "requests.cpu": "0"}), tier=tier)
    assert [(one.resource, one.quota) for one in found] == [("pods", "compute"), ("requests.cpu", "tight")]


def test_a_bound_the_tier_does_not_know_is_reported_under_the_object_name() -> None:
    (foreign,) = exceeded(a_pod(), a_quota({"pods": "0"}, name="theirs", managed=False))
    (stale,) = exceeded(a_pod(), a_quota({"pods": "0"}, name="tier-old"))
    assert (foreign.quota, stale.quota) == ("theirs", "tier-old")


MOVED = a_tier(quotas=[a_tier_quota({"requests.cpu": "2"})])


@pytest.mark.rule("R-1")
@pytest.mark.parametrize(
    ("quota", "broken"),
    [
        pytest.param(a_quota({"requests.cpu": "4"}, {"requests.cpu": "1500m"}), ("1500m", "2"), id="the-tier-s-bound"),
        pytest.param(a_quota({"requests.cpu": "4"}, {"requests.cpu": "1"}), None, id="within-both"),
        pytest.param(a_quota({"requests.cpu": "1"}, {"requests.cpu": "1"}), ("1", "1"), id="the-smaller-of-the-two"),
        pytest.param(
            a_quota({"requests.cpu": "4"}, {"requests.cpu": "1500m"}, managed=False), None, id="of-others-as-it-is"
        ),
        pytest.param(
            a_quota({"requests.cpu": "4"}, {"requests.cpu": "1500m"}, name="tier-0123456789"),
            None,
            id="one-that-the-tier-does-not-have",
        ),
    ],
)
def test_a_quota_of_ours_is_judged_by_the_tier_where_that_bounds_more(
    quota: QuotaStatus, broken: tuple[str, str] | None
) -> None:
    """The object is as old as the last leader: a namespace may have moved to a smaller tier since."""
    found = exceeded(ONE_CPU, quota, tier=MOVED)
    assert [(str(one.used), str(one.bound)) for one in found] == ([broken] if broken else [])
