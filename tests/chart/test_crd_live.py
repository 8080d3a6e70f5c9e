"""What a real API server makes of the schema of Tier and of its CEL rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.controlplane.cluster import Cluster

pytestmark = pytest.mark.cluster

Spec = dict[str, Any]
BOUND = "should match"


def item(kind: str = "Container", **lists: Mapping[str, object]) -> Spec:
    return {"limits": [{"type": kind, **lists}]}


def quota(**fields: object) -> Spec:
    return {"quotas": [{"name": "compute", "hard": {"pods": "20"}, **fields}]}


def selector(**expression: object) -> Spec:
    return quota(scopeSelector={"matchExpressions": [expression]})


def create(cluster: Cluster, spec: Spec, *, name: str = "tried") -> tuple[int, str]:
    """Ask the API server, without storing, and return the exit code and everything said."""
    tier = {"apiVersion": "tiergate.io/v1alpha1", "kind": "Tier", "metadata": {"name": name}, "spec": spec}
    done = cluster.run("kubectl create --dry-run=server -f -", stdin=json.dumps(tier))
    return done.code, done.text


def ordered(low: str, low_value: str, high: str, high_value: str) -> Spec:
    values = {low: {"cpu": low_value, "memory": "1Mi"}, high: {"cpu": high_value, "memory": "2Mi"}}
    return {"limits": [{"type": "Container", **values}]}


REFUSED = [
    pytest.param(ordered("min", "2", "max", "1"), "spec.limits[0].min", "than max: cpu", id="min-over-max"),
    pytest.param(
        ordered("min", "2", "defaultRequest", "1500m"),
        "spec.limits[0].min",
        "min must not be greater than defaultRequest: cpu",
        id="min-over-default-request",
    ),
    pytest.param(
        ordered("min", "1", "default", "999m"),
        "spec.limits[0].min",
        "min must not be greater than default: cpu",
        id="min-over-default",
    ),
    pytest.param(
        ordered("defaultRequest", "1001m", "default", "1"),
        "spec.limits[0].defaultRequest",
        "defaultRequest must not be greater than default: cpu",
        id="default-request-over-default",
    ),
    pytest.param(
        ordered("defaultRequest", "1k", "max", "999"),
        "spec.limits[0].defaultRequest",
        "defaultRequest must not be greater than max: cpu",
        id="default-request-over-max",
    ),
    pytest.param(
        ordered("default", "1Ki", "max", "1k"),
        "spec.limits[0].default",
        "default must not be greater than max: cpu",
        id="binary-default-over-decimal-max",
    ),
    pytest.param(
        {"limits": [{"type": "Container"}, {"type": "Container"}]},
        "spec.limits[1]",
        "Duplicate value",
        id="two-items-of-one-type",
    ),
    pytest.param(item("Node"), "spec.limits[0].type", 'supported values: "Container"', id="unknown-type"),
    pytest.param(
        item("Pod", default={"cpu": "1"}),
        "spec.limits[0]",
        "only items of type Container have default and defaultRequest",
        id="pod-with-default",
    ),
    pytest.param(
        item("PersistentVolumeClaim", max={"storage": "2Gi"}, default={"storage": "1Gi"}),
        "spec.limits[0]",
        "only items of type Container have default and defaultRequest",
        id="claim-with-default",
    ),
    pytest.param(
        item("PersistentVolumeClaim", max={"cpu": "1"}),
        "spec.limits[0]",
        "needs min or max of storage",
        id="claim-without-storage",
    ),
    pytest.param(item(max={"cpu": "1K"}), "spec.limits[0].max.cpu", BOUND, id="malformed-quantity"),
    pytest.param(item(max={"cpu": "-1"}), "spec.limits[0].max.cpu", BOUND, id="negative-quantity"),
    pytest.param(item(max={"cpu": -1}), "spec.limits[0].max.cpu", "greater than or equal to 0", id="negative-number"),
    pytest.param(item(max={"cpu": 0.5}), "spec.limits[0].max.cpu", "Invalid value", id="fraction-without-quotes"),
    pytest.param(item(max={"cpu": "1" * 33}), "spec.limits[0].max.cpu", "Too long", id="very-long-quantity"),
    pytest.param(quota(hard={}), "spec.quotas[0].hard", "at least 1", id="quota-without-bound"),
    pytest.param(
        {"quotas": [{"name": "a", "hard": {"pods": 1}}, {"name": "a", "hard": {"pods": 2}}]},
        "spec.quotas[1]",
        "Duplicate value",
        id="two-quotas-of-one-name",
    ),
    pytest.param(quota(name="A b"), "spec.quotas[0].name", BOUND, id="name-with-space"),
    pytest.param(
        quota(hard={"pods": 1, "gpus": 1}), "spec.quotas[0].hard", "a quota cannot bound gpus", id="unknown-name"
    ),
    pytest.param(quota(per="Tier"), "spec.quotas[0].per", 'supported values: "Namespace"', id="shared-not-there-yet"),
    pytest.param(quota(scopes=["Pods"]), "spec.quotas[0].scopes[0]", "supported values", id="unknown-scope"),
    pytest.param(
        quota(scopes=["BestEffort", "NotBestEffort"]),
        "spec.quotas[0].scopes",
        "BestEffort and NotBestEffort exclude each other",
        id="best-effort-and-not",
    ),
    pytest.param(
        quota(scopes=["NotTerminating", "Terminating"]),
        "spec.quotas[0].scopes",
        "Terminating and NotTerminating exclude each other",
        id="terminating-and-not",
    ),
    pytest.param(
        selector(scopeName="PriorityClass", operator="In"),
        "spec.quotas[0].scopeSelector.matchExpressions[0].values",
        "In and NotIn need values",
        id="in-without-values",
    ),
    pytest.param(
        selector(scopeName="PriorityClass", operator="Exists", values=["high"]),
        "spec.quotas[0].scopeSelector.matchExpressions[0].values",
        "Exists and DoesNotExist have none",
        id="exists-with-values",
    ),
    pytest.param(
        selector(scopeName="BestEffort", operator="DoesNotExist"),
        "spec.quotas[0].scopeSelector.matchExpressions[0].operator",
        "an operator other than Exists",
        id="operator-on-a-plain-scope",
    ),
    pytest.param(
        {"enforcement": "warn"},
        "spec.enforcement",
        'supported values: "Enforce", "Warn", "Audit"',
        id="mode-that-is-none",
    ),
    pytest.param({"shareUsage": True}, "spec.shareUsage", "unknown field", id="field-not-enforced-yet"),
    pytest.param(
        {"workloads": "Audit"},
        "spec.workloads",
        'supported values: "Enforce", "Warn", "Ignore"',
        id="policy-of-workloads",
    ),
]


@pytest.mark.parametrize(("spec", "field", "reason"), REFUSED)
def test_bad_tier_is_refused(api_server: Cluster, spec: Spec, field: str, reason: str) -> None:
    """The server itself refuses, with our webhook absent, and names the field and the reason."""
    code, said = create(api_server, spec)
    assert code != 0, said
    assert field in said
    assert reason in said


ACCEPTED = [
    pytest.param({}, id="empty"),
    pytest.param(item(min={"cpu": 1}, max={"cpu": "1000m"}), id="number-equal-to-text"),
    pytest.param(item(default={"memory": "1000M"}, max={"memory": "1Gi"}), id="decimal-below-binary"),
    pytest.param(item(min={"cpu": "1"}, max={"memory": "1"}), id="different-resources"),
    pytest.param(item("PersistentVolumeClaim", min={"storage": "1Gi"}), id="claim-with-min"),
    pytest.param(item("Pod", max={"cpu": "1e1"}, maxLimitRequestRatio={"cpu": "2.5"}), id="pod-with-ratio"),
    pytest.param(quota(hard={"requests.nvidia.com/gpu": 8, "count/jobs.batch": "5"}), id="qualified-names"),
    pytest.param(quota(hard={"hugepages-2Mi": "1Gi", "requests.storage": "0"}), id="other-standard-names"),
    pytest.param(selector(scopeName="PriorityClass", operator="NotIn", values=["high"]), id="priority-class"),
    pytest.param(quota(scopes=["NotTerminating"], hard={"cpu": "1"}), id="scope"),
    pytest.param({"exemptions": {"users": ["a:b"], "groups": ["system:masters"]}}, id="exemptions"),
]


@pytest.mark.parametrize("spec", ACCEPTED)
def test_good_tier_is_accepted(api_server: Cluster, spec: Spec) -> None:
    """No rule refuses what LimitRange and ResourceQuota would take."""
    code, said = create(api_server, spec)
    assert code == 0, said


def test_all_faults_come_at_once(api_server: Cluster) -> None:
    """Faults in both lists, found by pattern and by rule, arrive in one answer."""
    code, said = create(api_server, {**ordered("min", "2", "max", "1"), **quota(hard={"pods": "x", "gpus": "1"})})
    assert code != 0
    for expected in ("spec.limits[0].min", "spec.quotas[0].hard.pods", "a quota cannot bound gpus"):
        assert expected in said


def test_monstrous_exponent_is_refused_at_once(api_server: Cluster) -> None:
    """Rules run although the pattern has failed; none of them may parse this value, which takes minutes."""
    code, said = create(api_server, item(min={"cpu": "1e2147483647"}, max={"cpu": "1e2147483647"}))
    assert code != 0
    assert "spec.limits[0].min.cpu" in said
    assert "spec.limits[0].max.cpu" in said


def test_largest_tier_stays_within_the_cost_of_rules(api_server: Cluster) -> None:
    """Every list as long as the schema lets it be: the server's budget for rules still holds."""
    names = [f"example.com/resource-{number}" for number in range(32)]
    lists = ("min", "max", "default", "defaultRequest", "maxLimitRequestRatio")
    long = "1" * 32
    container = {"type": "Container", **{name: dict.fromkeys(names, long) for name in lists}}
    quotas = [
        {"name": f"q{number}", "hard": {f"requests.example.com/{bound}": long for bound in range(64)}}
        for number in range(16)
    ]
    code, said = create(api_server, {"limits": [container], "quotas": quotas})
    assert code == 0, said


def test_name_fits_into_a_label(api_server: Cluster) -> None:
    """A tier is named by a label's value, which ends at 63 characters."""
    assert create(api_server, {}, name="t" * 63)[0] == 0
    code, said = create(api_server, {}, name="t" * 64)
    assert code != 0
    assert "at most 63 characters" in said


def test_defaults_are_written_into_the_object(api_server: Cluster) -> None:
    """A reader of the stored object need not know the defaults."""
    tier = {"apiVersion": "tiergate.io/v1alpha1", "kind": "Tier", "metadata": {"name": "tried"}, "spec": quota()}
    done = api_server.kubectl("create --dry-run=server -o json -f -", stdin=json.dumps(tier))
    assert done.json["spec"]["enforcement"] == "Enforce"
    assert done.json["spec"]["quotas"][0]["per"] == "Namespace"


def test_table_shows_mode_usage_and_readiness(api_server: Cluster) -> None:
    """`kubectl get tiers` answers the first question: what is in force, and how full is it."""
    status = {
        "mode": "Enforce",
        "namespaces": 3,
        "summary": {
            "requests.cpu": "200m/2",
            "requests.memory": "256Mi/2Gi",
            "requests.nvidia.com/gpu": "1/8",
            "pods": "2/20",
        },
        "conditions": [
            {
                "type": kind,
                "status": value,
                "reason": "Because",
                "message": "",
                "lastTransitionTime": "2026-01-15T09:30:00Z",
            }
            for kind, value in (("Ready", "True"), ("Enforcing", "False"))
        ],
    }
    api_server.apply({"apiVersion": "tiergate.io/v1alpha1", "kind": "Tier", "metadata": {"name": "shown"}, "spec": {}})
    try:
        patch = json.dumps({"status": status})
        api_server.kubectl(f"patch tier shown --subresource=status --type=merge -p '{patch}'")
        head, row = (line.split() for line in api_server.kubectl("get tier shown").out.splitlines())
    finally:
        api_server.kubectl("delete tier shown")
    columns = "NAME MODE NAMESPACES CPU MEMORY GPU PODS READY ENFORCING ENFORCEMENT AGE"
    assert head == columns.split()
    assert row[:-1] == ["shown", "Enforce", "3", "200m/2", "256Mi/2Gi", "1/8", "2/20", "True", "False", "Because"]
