"""Values that are refused, and what the reader is told."""

from typing import Any

import pytest

from tests.chart.helm import NAMESPACE, Helm, RefusedError

pytestmark = pytest.mark.helm

ITEM = {"type": "Container", "max": {"cpu": "1"}}


def tier(**spec: object) -> dict[str, Any]:
    return {"tiers": {"dev": {"spec": spec}}}


def quota(**fields: object) -> dict[str, Any]:
    return tier(quotas=[{"name": "compute", "hard": {"pods": 1}, **fields}])


def webhook(**fields: object) -> dict[str, Any]:
    return {"webhook": fields}


def entry(name: str, **fields: object) -> dict[str, Any]:
    return webhook(entries={name: fields})


def namespaces(**fields: object) -> dict[str, Any]:
    return {**tier(), "namespaces": fields}


SCHEMA = [
    pytest.param({"tier": {}}, "tier", id="misspelt-top-level"),
    pytest.param(webhook(replica=2), "replica", id="misspelt-nested"),
    pytest.param(webhook(replicas=0), "/webhook/replicas", id="no-replica"),
    pytest.param(webhook(replicas="3"), "/webhook/replicas", id="number-as-text"),
    pytest.param(webhook(port=443), "/webhook/port", id="privileged-port"),
    pytest.param(webhook(service={"port": 0}), "/webhook/service/port", id="port-zero"),
    pytest.param(webhook(drainSeconds=0), "/webhook/drainSeconds", id="no-drain"),
    pytest.param(webhook(excludeNamespaces=["Dev"]), "/webhook/excludeNamespaces/0", id="bad-excluded-namespace"),
    pytest.param(entry("podsMutate", failurePolicy="fail"), "failurePolicy", id="failure-policy-lower-case"),
    pytest.param(entry("podsMutate", timeoutSeconds=31), "timeoutSeconds", id="timeout-over-30"),
    pytest.param(entry("podsMutate", timeoutSeconds=0), "timeoutSeconds", id="timeout-zero"),
    pytest.param(entry("deployments", failurePolicy="Fail"), "deployments", id="unknown-entry"),
    pytest.param({"controller": {"replicas": 0}}, "replicas", id="no-controller"),
    pytest.param({"controller": {"leaderElection": {"retryPeriodSeconds": 0}}}, "retryPeriodSeconds", id="no-retry"),
    pytest.param({"logLevel": "verbose"}, "/logLevel", id="unknown-log-level"),
    pytest.param({"image": {"digest": "sha256:1234"}}, "/image/digest", id="short-digest"),
    pytest.param({"image": {"tag": "a b"}}, "/image/tag", id="tag-with-space"),
    pytest.param({"image": {"repository": ""}}, "/image/repository", id="no-repository"),
    pytest.param({"monitoring": {"prometheusRule": {"runbookURL": "docs"}}}, "runbookURL", id="no-address"),
    pytest.param({"global": {"imageRegistry": 5}}, "/global/imageRegistry", id="registry-that-is-a-number"),
    pytest.param({"extraObjects": [{"kind": "ConfigMap"}]}, "/extraObjects/0", id="half-an-object"),
    pytest.param({"commonLabels": {"a": 1}}, "/commonLabels/a", id="label-not-text"),
    pytest.param({"networkPolicy": {"enabled": True}}, "/networkPolicy/apiServerCIDRs", id="policy-without-api-server"),
    pytest.param({"tiers": {"Dev": {"spec": {}}}}, "Dev", id="tier-name-upper-case"),
    pytest.param({"tiers": {"d" * 64: {"spec": {}}}}, "64", id="tier-name-too-long-for-a-label"),
    pytest.param({"tiers": {"dev": {}}}, "spec", id="tier-without-spec"),
    pytest.param(tier(shareUsage=True), "shareUsage", id="field-not-enforced-yet"),
    pytest.param(tier(enforcement="audit"), "/enforcement", id="mode-that-is-none"),
    pytest.param(tier(limits=[{"max": {"cpu": "1"}}]), "type", id="item-without-type"),
    pytest.param(tier(limits=[{**ITEM, "type": "container"}]), "/type", id="unknown-item-type"),
    pytest.param(tier(limits=[{**ITEM, "max": {"cpu": "1K"}}]), "/max/cpu", id="malformed-quantity"),
    pytest.param(tier(limits=[{**ITEM, "max": {"cpu": 0.5}}]), "/max/cpu", id="fraction-without-quotes"),
    pytest.param(tier(limits=[{**ITEM, "max": {"cpu": "1e999999999"}}]), "/max/cpu", id="monstrous-exponent"),
    pytest.param(tier(limits=[{**ITEM, "maximum": {}}]), "maximum", id="misspelt-item-field"),
    pytest.param(quota(per="Tier"), "/per", id="shared-quota-not-there-yet"),
    pytest.param(quota(hard={}), "/hard", id="quota-without-bound"),
    pytest.param(quota(hard={"pods": -1}), "/hard/pods", id="negative-bound"),
    pytest.param(quota(scopes=["Pods"]), "/scopes/0", id="unknown-scope"),
    pytest.param(namespaces(dev={}), "tier", id="namespace-without-tier"),
    pytest.param(namespaces(Dev={"tier": "dev"}), "Dev", id="namespace-name-upper-case"),
]


@pytest.mark.parametrize(("values", "named"), SCHEMA)
def test_schema_refuses_and_names_the_place(any_helm: Helm, values: dict[str, Any], named: str) -> None:
    """A wrong value never renders, and the message leads to it."""
    with pytest.raises(RefusedError, match="don't meet the specifications of the schema") as refused:
        any_helm.render(values)
    assert named in str(refused.value)


CHART = [
    pytest.param(
        namespaces(**{NAMESPACE: {"tier": "dev"}}),
        f"namespaces.{NAMESPACE}: the release namespace cannot be governed",
        id="release-namespace",
    ),
    pytest.param(
        namespaces(**{"kube-system": {"tier": "dev"}}),
        "namespaces.kube-system: kube-* namespaces belong to the cluster",
        id="kube-system",
    ),
    pytest.param(
        namespaces(**{"kube-flannel": {"tier": "dev"}}),
        "namespaces.kube-flannel: kube-* namespaces belong to the cluster",
        id="any-kube-namespace",
    ),
    pytest.param(
        namespaces(agents={"tier": "prod"}),
        'namespaces.agents.tier: there is no tier "prod" in tiers (there is: dev)',
        id="unknown-tier",
    ),
    pytest.param(
        {"namespaces": {"agents": {"tier": "prod"}}},
        'there is no tier "prod" in tiers (there is: none)',
        id="no-tiers-at-all",
    ),
    pytest.param(
        namespaces(agents={"tier": "dev", "labels": {"tiergate.io/tier": "prod"}}),
        "namespaces.agents.labels: tiergate.io/tier is set from namespaces.agents.tier",
        id="label-set-twice",
    ),
    pytest.param(
        webhook(drainSeconds=20),
        "webhook.terminationGracePeriodSeconds: 30 leaves less than 15 s after drainSeconds (20)",
        id="grace-period-too-short",
    ),
    pytest.param(
        {"controller": {"leaderElection": {"leaseDurationSeconds": 10}}},
        "leaseDurationSeconds (10) must be longer than renewDeadlineSeconds (10)",
        id="lease-not-longer-than-its-deadline",
    ),
    pytest.param(
        {"controller": {"leaderElection": {"retryPeriodSeconds": 5}}},
        "more than twice retryPeriodSeconds (5)",
        id="no-time-for-a-second-renewal",
    ),
    pytest.param(
        {**webhook(hostNetwork=True), "networkPolicy": {"enabled": True, "apiServerCIDRs": ["192.0.2.0/28"]}},
        "networkPolicy.enabled: policies do not apply to pods on the node's network (webhook.hostNetwork)",
        id="policy-that-bounds-nothing",
    ),
    pytest.param(
        webhook(clientCA={"allowedNames": ["kube-apiserver"]}),
        "webhook.clientCA.allowedNames: has no meaning without webhook.clientCA.configMap",
        id="names-without-a-ca",
    ),
    pytest.param({"enabled": False}, "enabled: false is for the condition of a chart that depends", id="not-enabled"),
    *(
        pytest.param({name: "gate"}, f"{name}: names are fixed, because a cluster has one Tiergate", id=name)
        for name in ("nameOverride", "fullnameOverride")
    ),
    pytest.param(webhook(usagePort=9443), "webhook.usagePort: must differ from webhook.port", id="same-port-twice"),
]


@pytest.mark.parametrize(("values", "sentence"), CHART)
def test_chart_refuses_with_a_sentence(any_helm: Helm, values: dict[str, Any], sentence: str) -> None:
    """What a schema cannot say is said by the chart, with path, value and way out."""
    with pytest.raises(RefusedError) as refused:
        any_helm.render(values)
    assert sentence in str(refused.value)


def test_all_faults_come_at_once(any_helm: Helm) -> None:
    """Two bad namespaces are both named: no second round for the second one."""
    with pytest.raises(RefusedError) as refused:
        any_helm.render(namespaces(**{"kube-system": {"tier": "dev"}, "agents": {"tier": "prod"}}))
    assert "namespaces.kube-system:" in str(refused.value)
    assert "namespaces.agents.tier:" in str(refused.value)
