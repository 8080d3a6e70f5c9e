"""Which quotas concern which object: scopes and measurable names (R-9, R-24, R-43)."""

from __future__ import annotations

import pytest

from tests.builders import a_claim, a_container, a_pod, a_quota
from tiergate.core.claim import Claim
from tiergate.core.podspec import Pod
from tiergate.core.quota import matches, measures, pertinent
from tiergate.core.release import NEWEST
from tiergate.core.tier import ScopeRequirement

BURSTABLE = a_pod(a_container(requests={"cpu": "1"}))


@pytest.mark.rule("R-24")
@pytest.mark.parametrize(
    ("scope", "pod", "matching"),
    [
        pytest.param("Terminating", a_pod(active_deadline_seconds=60), True, id="R-24-deadline"),
        pytest.param("Terminating", a_pod(active_deadline_seconds=0), True, id="R-24-deadline-zero"),
        pytest.param("Terminating", a_pod(), False, id="R-24-no-deadline"),
        pytest.param("Terminating", a_pod(deleted_at=1.0), False, id="R-24-deletion-has-nothing-to-do-with-it"),
        pytest.param("Terminating", a_pod(active_deadline_seconds=-1), False, id="R-24-negative-deadline"),
        pytest.param("NotTerminating", a_pod(), True, id="R-24-not-terminating"),
        pytest.param("NotTerminating", a_pod(active_deadline_seconds=60), False, id="R-24-not-terminating-deadline"),
        pytest.param("BestEffort", a_pod(), True, id="R-24-best-effort"),
        pytest.param("BestEffort", BURSTABLE, False, id="R-24-burstable-is-not-best-effort"),
        pytest.param("NotBestEffort", BURSTABLE, True, id="R-24-not-best-effort"),
        pytest.param("NotBestEffort", a_pod(), False, id="R-24-best-effort-is-not"),
        pytest.param("PriorityClass", a_pod(priority_class="high"), True, id="R-24-plain-scope-means-Exists"),
        pytest.param("PriorityClass", a_pod(), False, id="R-24-no-class"),
        pytest.param("CrossNamespacePodAffinity", a_pod(cross_namespace_affinity=True), True, id="R-24-affinity"),
        pytest.param("CrossNamespacePodAffinity", a_pod(), False, id="R-24-no-affinity"),
        pytest.param("VolumeAttributesClass", a_pod(), False, id="R-24-other-scopes-never-match-a-pod"),
    ],
)
def test_a_scope_selects_pods(scope: str, pod: Pod, matching: bool) -> None:  # noqa: FBT001  # a table
    assert matches(pod, a_quota(scopes=[scope]), minor=NEWEST) is matching


@pytest.mark.rule("R-24")
@pytest.mark.parametrize(
    ("operator", "values", "with_high", "without"),
    [
        pytest.param("In", ("high",), True, False, id="R-24-In"),
        pytest.param("In", ("low",), False, False, id="R-24-In-other"),
        pytest.param("NotIn", ("high",), False, True, id="R-24-NotIn"),
        pytest.param("NotIn", ("low",), True, True, id="R-24-NotIn-other"),
        pytest.param("Exists", (), True, False, id="R-24-Exists"),
        pytest.param("DoesNotExist", (), False, True, id="R-24-DoesNotExist"),
        pytest.param("Like", ("high",), False, False, id="R-24-of-no-known-operator"),
    ],
)
def test_a_priority_class_is_selected_like_a_label(
    operator: str,
    values: tuple[str, ...],
    with_high: bool,  # noqa: FBT001  # a table
    without: bool,  # noqa: FBT001  # a table
) -> None:
    quota = a_quota(selector=[ScopeRequirement("PriorityClass", operator, values)])
    assert matches(a_pod(priority_class="high"), quota, minor=NEWEST) is with_high
    assert matches(a_pod(), quota, minor=NEWEST) is without


@pytest.mark.rule("R-9")
def test_all_scopes_and_expressions_must_match() -> None:
    """R-9."""
    quota = a_quota(scopes=["NotTerminating"], selector=[ScopeRequirement("PriorityClass", "In", ("high",))])
    assert matches(a_pod(priority_class="high"), quota, minor=NEWEST)
    assert not matches(a_pod(priority_class="low"), quota, minor=NEWEST)
    assert not matches(a_pod(priority_class="high", active_deadline_seconds=1), quota, minor=NEWEST)


def claimed(*classes: str) -> Claim:
    return Claim(storage=None, attributes_classes=frozenset(classes))


@pytest.mark.rule("R-43")
@pytest.mark.parametrize(
    ("operator", "values", "claim", "matching"),
    [
        pytest.param("Exists", (), claimed("gold"), True, id="R-43-Exists"),
        pytest.param("Exists", (), claimed(), False, id="R-43-Exists-none"),
        pytest.param("In", ("gold",), claimed("silver", "gold"), True, id="R-43-In-one-member-is-enough"),
        pytest.param("In", ("gold",), claimed(), False, id="R-43-In-none"),
        pytest.param("NotIn", ("gold",), claimed("gold"), False, id="R-43-NotIn"),
        pytest.param("NotIn", ("gold",), claimed("gold", "silver"), True, id="R-43-NotIn-the-other-member"),
        pytest.param("NotIn", ("gold",), claimed(), True, id="R-43-NotIn-none"),
        pytest.param("DoesNotExist", (), claimed(), True, id="R-43-DoesNotExist"),
        pytest.param("DoesNotExist", (), claimed("gold"), False, id="R-43-DoesNotExist-one"),
    ],
)
def test_an_attributes_class_selects_claims(
    operator: str,
    values: tuple[str, ...],
    claim: Claim,
    matching: bool,  # noqa: FBT001  # a table
) -> None:
    quota = a_quota(selector=[ScopeRequirement("VolumeAttributesClass", operator, values)])
    assert matches(claim, quota, minor=NEWEST) is matching


@pytest.mark.rule("R-43")
@pytest.mark.parametrize("scope", ["Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass"])
def test_pod_scopes_never_match_a_claim(scope: str) -> None:
    """R-43."""
    assert not matches(a_claim(), a_quota(scopes=[scope]), minor=NEWEST)
    assert not matches(claimed("gold"), a_quota(scopes=[scope]), minor=NEWEST)


POD_NAMES = [
    "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "pods", "count/pods",
    "ephemeral-storage", "requests.ephemeral-storage", "limits.ephemeral-storage", "hugepages-2Mi",
    "requests.hugepages-1Gi", "requests.nvidia.com/gpu", "requests.deviceclass.resource.kubernetes.io/gpu",
]  # fmt: skip
CLAIM_NAMES = [
    "persistentvolumeclaims", "count/persistentvolumeclaims", "requests.storage",
    "gold.storageclass.storage.k8s.io/requests.storage", "gold.storageclass.storage.k8s.io/persistentvolumeclaims",
]  # fmt: skip
NEITHER = [
    "nvidia.com/gpu", "limits.nvidia.com/gpu", "limits.hugepages-2Mi", "services", "count/services", "storage",
    "gold.storageclass.storage.k8s.io/other", "requests.node.kubernetes.io/x",
]  # fmt: skip


@pytest.mark.rule("R-22", "R-47")
@pytest.mark.parametrize("name", POD_NAMES + CLAIM_NAMES + NEITHER, ids=lambda name: f"R-22-R-40-{name}")
def test_a_name_is_measured_from_what_it_counts(name: str) -> None:
    assert measures(Pod, name) is (name in POD_NAMES)
    assert measures(Claim, name) is (name in CLAIM_NAMES)
    assert bool(pertinent(a_pod(), a_quota({name: "1", "services": "1"}), minor=NEWEST)) is (name in POD_NAMES)


@pytest.mark.rule("R-9")
def test_a_quota_whose_scope_does_not_match_is_not_pertinent() -> None:
    """R-9."""
    assert pertinent(a_pod(), a_quota({"pods": "1"}, scopes=["BestEffort"]), minor=NEWEST)
    assert not pertinent(BURSTABLE, a_quota({"pods": "1"}, scopes=["BestEffort"]), minor=NEWEST)


@pytest.mark.parametrize(("minor", "matching"), [(36, "BestEffort"), (37, "NotBestEffort")], ids=["D-17-old", "D-17"])
def test_the_class_of_a_pod_without_one_is_computed_by_the_rule_of_the_release(minor: int, matching: str) -> None:
    pod = a_pod(a_container(requests={"cpu": "1"}), has_resources=True)
    found = [one for one in ("BestEffort", "NotBestEffort") if matches(pod, a_quota(scopes=[one]), minor=minor)]
    assert found == [matching]
