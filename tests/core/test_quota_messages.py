"""What is said where a quota is exceeded: the amounts, whose quota it is, and what would pass."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from tests.builders import (
    Texts,
    a_claim,
    a_container,
    a_pod,
    a_quota,
    a_tier,
    a_tier_quota,
    an_item,
)
from tests.core.sentences import agent, judged
from tiergate.core.claim import Claim
from tiergate.core.messages import scope_words, shown
from tiergate.core.podspec import Pod
from tiergate.core.quantity import Quantity
from tiergate.core.quota import QuotaStatus, scopes_of
from tiergate.core.tier import ScopeRequirement


def over(subject: Pod | Claim, hard: Texts, used: Texts, old: Pod | Claim | None = None) -> str:
    (line,) = judged(subject, quotas=(a_quota(hard, used, name="compute", managed=False),), old=old)
    return line


PAGES = {"cpu": "1", "hugepages-2Mi": "4Mi"}
TWO = a_pod(a_container("a", limits={"cpu": "1"}), a_container("b", limits={"cpu": "1"}))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(
            lambda: over(agent(limits={"cpu": "1"}), {"limits.cpu": "4"}, {"limits.cpu": "3500m"}),
            'quota "compute": limits.cpu asks 1, used 3500m of 4, over by 500m; '
            "set limits.cpu to 500m or less, or free 500m in dev",
            id="the-example-of-the-contract",
        ),
        pytest.param(
            lambda: over(agent(limits={"cpu": "1"}), {"limits.cpu": "4"}, {"limits.cpu": "4"}),
            'quota "compute": limits.cpu asks 1, used 4 of 4, over by 1; free 1 in dev',
            id="nothing-fits",
        ),
        pytest.param(
            lambda: over(TWO, {"limits.cpu": "4"}, {"limits.cpu": "3"}),
            'quota "compute": limits.cpu asks 2, used 3 of 4, over by 1; '
            "lower limits.cpu of all its containers together to 1 or less, or free 1 in dev",
            id="several-containers",
        ),
        pytest.param(
            lambda: over(agent({"cpu": "1"}), {"cpu": "4"}, {"cpu": "3500m"}),
            'quota "compute": cpu asks 1, used 3500m of 4, over by 500m; set cpu to 500m or less, or free 500m in dev',
            id="requests-by-their-short-name",
        ),
        pytest.param(
            lambda: over(a_pod(a_container(requests=PAGES)), {"hugepages-2Mi": "6Mi"}, {"hugepages-2Mi": "4Mi"}),
            'quota "compute": hugepages-2Mi asks 4Mi, used 4Mi of 6Mi, over by 2Mi; '
            "set hugepages-2Mi to 2Mi or less, or free 2Mi in dev",
            id="pages-by-their-short-name",
        ),
        pytest.param(
            lambda: over(
                a_pod(a_container(requests=PAGES)), {"requests.hugepages-2Mi": "7Mi"}, {"requests.hugepages-2Mi": "4Mi"}
            ),
            'quota "compute": requests.hugepages-2Mi asks 4Mi, used 4Mi of 7Mi, over by 1Mi; '
            "set requests.hugepages-2Mi to 2Mi or less, or free 1Mi in dev",
            id="pages-are-lowered-by-whole-ones",
        ),
        pytest.param(
            lambda: over(a_pod(a_container(requests=PAGES)), {"hugepages-2Mi": "5Mi"}, {"hugepages-2Mi": "4Mi"}),
            'quota "compute": hugepages-2Mi asks 4Mi, used 4Mi of 5Mi, over by 3Mi; free 3Mi in dev',
            id="no-whole-page-fits",
        ),
        pytest.param(
            lambda: over(agent(), {"pods": "20"}, {"pods": "20"}),
            'quota "compute": pods asks 1, used 20 of 20, over by 1; free 1 in dev',
            id="counted-objects",
        ),
        pytest.param(
            lambda: over(agent(limits={"memory": "1Gi"}), {"limits.memory": "2Gi"}, {"limits.memory": "1536Mi"}),
            'quota "compute": limits.memory asks 1Gi, used 1536Mi of 2Gi, over by 512Mi; '
            "set limits.memory to 512Mi or less, or free 512Mi in dev",
            id="binary-units",
        ),
        pytest.param(
            lambda: over(
                agent(limits={"cpu": "800m"}),
                {"limits.cpu": "4"},
                {"limits.cpu": "3800m"},
                agent(limits={"cpu": "300m"}),
            ),
            'quota "compute": limits.cpu asks 500m, used 3800m of 4, over by 300m; '
            "set limits.cpu to 500m or less, or free 300m in dev",
            id="a-resize-names-the-whole-amount",
        ),
        pytest.param(
            lambda: over(a_claim("8Gi"), {"requests.storage": "10Gi"}, {"requests.storage": "5Gi"}),
            'quota "compute": requests.storage asks 8Gi, used 5Gi of 10Gi, over by 3Gi; '
            "set requests.storage to 5Gi or less, or free 3Gi in dev",
            id="storage",
        ),
        pytest.param(
            lambda: over(
                a_claim("8Gi", storage_class="gold"), {"gold.storageclass.storage.k8s.io/requests.storage": "6Gi"}, {}
            ),
            'quota "compute": gold.storageclass.storage.k8s.io/requests.storage asks 8Gi, used 0 of 6Gi, over by 2Gi; '
            "set requests.storage to 6Gi or less",
            id="storage-of-a-class",
        ),
        pytest.param(
            lambda: over(
                a_pod(a_container(requests={"nvidia.com/gpu": "4"})),
                {"requests.nvidia.com/gpu": "3"},
                {"requests.nvidia.com/gpu": "3"},
            ),
            'quota "compute": requests.nvidia.com/gpu asks 4, used 3 of 3, over by 4; the whole quota is 3',
            id="more-than-the-whole",
        ),
        pytest.param(
            lambda: over(a_pod(a_container(requests={"nvidia.com/gpu": "1"})), {"requests.nvidia.com/gpu": "0"}, {}),
            'quota "compute": requests.nvidia.com/gpu asks 1, and none are allowed',
            id="none-at-all",
        ),
        pytest.param(
            lambda: over(agent({"cpu": "400m"}, {"cpu": "450m"}), {"limits.cpu": "1"}, {"limits.cpu": "750m"}),
            'quota "compute": limits.cpu asks 450m, used 750m of 1, over by 200m; '
            "set limits.cpu and requests.cpu to 250m or less, or free 200m in dev",
            id="a-request-above-what-fits-has-to-be-lowered-too",
        ),
        pytest.param(
            lambda: over(agent({"cpu": "250m"}, {"cpu": "450m"}), {"limits.cpu": "1"}, {"limits.cpu": "750m"}),
            'quota "compute": limits.cpu asks 450m, used 750m of 1, over by 200m; '
            "set limits.cpu to 250m or less, or free 200m in dev",
            id="one-that-is-no-more-than-what-fits-may-stay",
        ),
        pytest.param(
            lambda: over(
                a_pod(
                    a_container("a", requests={"cpu": "300m"}, limits={"cpu": "400m"}),
                    a_container("b", requests={"cpu": "200m"}, limits={"cpu": "300m"}),
                ),
                {"limits.cpu": "1"},
                {"limits.cpu": "800m"},
            ),
            'quota "compute": limits.cpu asks 700m, used 800m of 1, over by 500m; lower limits.cpu and requests.cpu '
            "of all its containers together to 200m or less, or free 500m in dev",
            id="likewise-of-several-containers",
        ),
        pytest.param(
            lambda: over(
                agent({"memory": "18Gi"}, {"memory": "20Gi"}),
                {"limits.memory": "19Gi"},
                {"limits.memory": "5Gi"},
                agent({"memory": "1Gi"}, {"memory": "2Gi"}),
            ),
            'quota "compute": limits.memory asks 18Gi, used 5Gi of 19Gi, over by 4Gi; '
            "set limits.memory and requests.memory to 16Gi or less, or free 4Gi in dev",
            id="likewise-of-a-resize",
        ),
        pytest.param(
            lambda: over(agent(limits={"memory": "27917286400800m"}), {"limits.memory": "4Gi"}, {}),
            'quota "compute": limits.memory asks 26Gi, used 0 of 4Gi, over by 22Gi; set limits.memory to 4Gi or less',
            id="milli-bytes-as-vpa-writes-them",
        ),
        pytest.param(
            lambda: over(agent(limits={"memory": "1Gi"}), {"limits.memory": "4Gi"}, {"limits.memory": "3333333333"}),
            'quota "compute": limits.memory asks 1Gi, used 3.1Gi of 4Gi, over by 106.9Mi; '
            "set limits.memory to 917Mi or less, or free 107Mi in dev",
            id="what-is-rounded-still-passes",
        ),
    ],
)
def test_a_refusal_by_quota_says_what_would_fit(found: Callable[[], str], expected: str) -> None:
    assert found() == expected


def test_quotas_of_one_name_are_told_apart() -> None:
    """A tier's quota has the tier's name for it, and may have that of a ResourceQuota that is not the tier's."""
    hard, used = {"limits.cpu": "1", "pods": "1"}, {"limits.cpu": "750m"}
    tier = a_tier(quotas=[a_tier_quota(hard)])
    theirs = a_quota(hard, used, name="compute", managed=False)
    other = a_quota({"limits.cpu": "1"}, used, name="other", managed=False)
    over = "limits.cpu asks 500m, used 750m of 1, over by 250m; set limits.cpu to 250m or less, or free 250m in dev"
    ours, whose = a_quota(hard, used), ('quota "compute" (tier dev)', 'quota "compute" (ResourceQuota)')
    assert judged(agent(limits={"cpu": "500m"}), tier=tier, quotas=(ours, theirs)) == [
        f"{one}: {over}" for one in whose
    ]
    assert judged(agent(), tier=tier, quotas=(ours, theirs)) == [
        f'{one}: container "agent" has no limits.cpu, which the quota counts; set limits.cpu' for one in whose
    ]
    assert judged(agent(limits={"cpu": "500m"}), tier=tier, quotas=(ours, other)) == [
        f'quota "{one}": {over}' for one in ("compute", "other")
    ]
    waiting = msgspec.structs.replace(theirs, used={})
    assert judged(agent(limits={"cpu": "250m"}), tier=tier, quotas=(waiting,)) == [
        'quota "compute" is being set up in dev; try again in a moment',
        f"{whose[1]}: the usage of limits.cpu, pods is not known yet; try again in a moment",
    ]


@pytest.mark.parametrize(
    ("amount", "like", "up", "expected"),
    [
        pytest.param("1234567", "1", None, "1234567", id="short"),
        pytest.param("12345678", "1", None, "12.3M", id="long"),
        pytest.param("12345.678901", "1", None, "12.3k", id="in-thousands"),
        pytest.param("999.123456789", "1", None, "999.1", id="in-ones"),
        pytest.param("12345678900P", "1", None, "12345678.9E", id="beyond-the-largest-unit"),
        pytest.param("4400000001", "1", True, "4.5G", id="up"),
        pytest.param("4480000001", "1", False, "4.4G", id="down"),
        pytest.param("12345670n", "1", False, "12345670n", id="never-nothing"),
        pytest.param("4294967297", "4Gi", None, "4294967297", id="never-the-same-as-what-it-differs-from"),
        pytest.param("12345678901", "1e3", None, "12345678901", id="an-exponent-as-it-is"),
    ],
)
def test_an_amount_is_shown_short_in_the_unit_of_its_bound(
    amount: str, like: str, expected: str, *, up: bool | None
) -> None:
    assert shown(Quantity.parse(amount), Quantity.parse(like), up=up) == expected


URGENT = ScopeRequirement("PriorityClass", "In", ("urgent", "now"))


@pytest.mark.parametrize(
    ("scopes", "selector", "expected"),
    [
        (["Terminating"], (), "pods with activeDeadlineSeconds"),
        (["NotTerminating"], (), "pods without activeDeadlineSeconds"),
        (["BestEffort"], (), "QoS class BestEffort"),
        (["NotBestEffort"], (), "QoS class other than BestEffort"),
        (["CrossNamespacePodAffinity"], (), "affinity to pods of other namespaces"),
        ([], (URGENT,), "priority class urgent or now"),
        (
            ["Terminating"],
            (ScopeRequirement("PriorityClass", "NotIn", ("low", "idle")),),
            "pods with activeDeadlineSeconds and priority class not low or idle",
        ),
        ([], (ScopeRequirement("PriorityClass", "Exists"),), "any priority class"),
        ([], (ScopeRequirement("VolumeAttributesClass", "DoesNotExist"),), "no volume attributes class"),
        ([], (), ""),
    ],
)
def test_a_scoped_quota_says_what_it_counts(
    scopes: list[str], selector: tuple[ScopeRequirement, ...], expected: str
) -> None:
    quota = QuotaStatus("q", scopes=tuple(scopes), scope_selector=selector)
    assert scope_words(scopes_of(quota)) == expected


@pytest.mark.parametrize(
    ("request_", "limit", "set_", "ratio", "whose", "also"),
    [
        ("50m", "300m", "limit", {}, " (the tier's default)", ""),
        ("400m", "400m", "limit", {}, " (the tier's default of 300m, raised to the request)", " and requests.cpu"),
        ("300m", "300m", "limit", {}, " (the tier's default)", " and requests.cpu"),
        ("200m", "280m", "limit", {"cpu": "1400m"}, " (set by the tier)", ""),  # lowered for maxLimitRequestRatio
        ("250m", "400m", "request", {}, "", ""),
        ("260m", "400m", "request", {}, "", " and requests.cpu"),
        ("350m", "400m", "limit", {}, "", " and requests.cpu"),  # the pod that had the default was copied and edited
    ],
)
def test_a_quota_says_what_became_of_a_default_limit(  # noqa: PLR0913, RUF100  # columns of a table
    request_: str, limit: str, set_: str, ratio: Texts, whose: str, also: str
) -> None:
    note = f"tiergate set: cpu {set_} for container agent"
    pod = msgspec.structs.replace(agent({"cpu": request_}, {"cpu": limit}), defaults_annotation=note)
    tier = a_tier(an_item(default={"cpu": "300m"}, default_request={"cpu": "250m"}, ratio=ratio))
    quotas = (a_quota({"limits.cpu": "1"}, {"limits.cpu": "800m"}),)
    (line,) = judged(pod, tier=tier, quotas=quotas)
    assert line.startswith(f'quota "tier": limits.cpu asks {limit}{whose}, used 800m of 1')
    assert f"; set limits.cpu{also} to 200m or less" in line


@pytest.mark.parametrize(
    ("amount", "like", "up", "expected"),
    [
        ("1e900", "4", None, "1e900"),
        ("12345678901234567890123456E", "1", None, "123e41"),
        ("12345678901234567890123456E", "1", True, "124e41"),
        ("12991234567890123456789012E", "1", False, "129e41"),
        ("99991234567890123456789012E", "1", True, "1e44"),
        ("-1e900", "1", None, "-1e900"),
    ],
)
def test_an_amount_of_many_digits_is_rounded(amount: str, like: str, expected: str, *, up: bool | None) -> None:
    assert shown(Quantity.parse(amount), Quantity.parse(like), up=up) == expected
    assert Quantity.parse(expected)
