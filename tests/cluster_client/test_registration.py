"""Whether a webhook configuration is what the release registered, and which field is not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import jsonpatch
import pytest

from tiergate.cluster.registration import (
    Operations,
    Registration,
    deviation,
    exclude,
    excluded_by_platform,
    hand_back,
    hand_over,
    read_registration,
)

Object = dict[str, Any]
RELEASED: Object = {
    "name": "pods.validate.tiergate.io",
    "admissionReviewVersions": ["v1"],
    "sideEffects": "NoneOnDryRun",
    "timeoutSeconds": 5,
    "clientConfig": {"service": {"name": "tiergate-webhook", "namespace": "t", "path": "/validate"}},
    "namespaceSelector": {"matchExpressions": [{"key": "tiergate.io/tier", "operator": "Exists"}]},
    "matchConditions": [{"name": "changed", "expression": "object != oldObject"}],
    "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE", "UPDATE"]}],
}


def stored() -> Object:
    """Return the entry with what the API server and the controller add."""
    entry = copy.deepcopy(RELEASED)
    entry |= {"failurePolicy": "Fail", "matchPolicy": "Equivalent", "objectSelector": {}}
    entry["rules"][0]["scope"] = "*"
    entry["clientConfig"]["service"]["port"] = 443
    entry["clientConfig"]["caBundle"] = "QUFB"
    return entry


def found(*entries: Object, mark: str = "", released: str | None = None) -> str:
    annotations = {"tiergate.io/webhooks": json.dumps([RELEASED]) if released is None else released}
    if mark:
        annotations["tiergate.io/handed-over"] = mark
    document = {"metadata": {"annotations": annotations}, "webhooks": list(entries)}
    return deviation(read_registration("ValidatingWebhookConfiguration", json.dumps(document).encode()))


def changed(change: Callable[[Object], object]) -> Object:
    entry = stored()
    change(entry)
    return entry


def test_defaults_and_the_ca_are_no_deviation() -> None:
    """Nobody but the API server and the controller wrote them."""
    assert found(stored()) == ""


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda one: one.update(objectSelector={"matchLabels": {"no": "pod"}}), "objectSelector is"),
        (lambda one: one.update(failurePolicy="Ignore"), "failurePolicy is Ignore, the release says Fail"),
        (lambda one: one.update(matchPolicy="Exact"), "matchPolicy is Exact"),
        (lambda one: one.update(timeoutSeconds=1), "timeoutSeconds is 1, the release says 5"),
        (lambda one: one["rules"][0]["operations"].remove("UPDATE"), "rules[0].operations is"),
        (lambda one: one["rules"][0].update(scope="Cluster"), "rules[0].scope is Cluster, the release says *"),
        (lambda one: one["rules"].clear(), "rules is not set"),
        (lambda one: one["matchConditions"][0].update(expression="false"), "matchConditions[0].expression is false"),
        (lambda one: one.pop("matchConditions"), "matchConditions is not set"),
        (lambda one: one["namespaceSelector"].update(matchLabels={"a": "b"}), "namespaceSelector.matchLabels is"),
        (
            lambda one: one["namespaceSelector"]["matchExpressions"].append(
                {"key": "control-plane", "operator": "Exists"}
            ),
            "namespaceSelector.matchExpressions is",
        ),
        (lambda one: one["clientConfig"].update(url="https://elsewhere"), "clientConfig.url is https://elsewhere"),
        (lambda one: one["clientConfig"]["service"].update(path="/"), "clientConfig.service.path is /"),
    ],
)
def test_whatever_is_changed_is_named(change: Callable[[Object], object], field: str) -> None:
    """Every field decides whether pods are judged."""
    assert field in found(changed(change))


def test_entries_that_are_missing_or_more_are_named() -> None:
    """A configuration is compared as a whole; without the release's word nothing is proved."""
    assert found() == "webhook pods.validate.tiergate.io is missing"
    assert found(stored(), {**stored(), "name": "more"}) == "webhook more is not of this release"
    assert "no readable annotation" in found(stored(), released="{")


def test_a_handover_is_known() -> None:
    """Its failurePolicy is no deviation, with its mark; anything else still is."""
    assert found({**stored(), "failurePolicy": "Ignore"}, mark="2026-03-01T00:00:00Z") == ""
    assert "timeoutSeconds" in found({**stored(), "timeoutSeconds": 1}, mark="2026-03-01T00:00:00Z")


def test_what_aks_adds_is_known() -> None:
    """The three expressions of its admissions enforcer, wherever they stand, and no others."""
    entry = stored()
    added = [
        {"key": "control-plane", "operator": "DoesNotExist"},
        {"key": "control-plane", "operator": "NotIn", "values": ["true"]},
        {"key": "kubernetes.azure.com/managedby", "operator": "NotIn", "values": ["aks"]},
    ]
    entry["namespaceSelector"]["matchExpressions"][:0] = added
    assert found(entry) == ""
    document = json.dumps({"metadata": {}, "webhooks": [entry]}).encode()
    assert excluded_by_platform(read_registration("ValidatingWebhookConfiguration", document))


AKS: Object = {"key": "control-plane", "operator": "DoesNotExist"}


class Stored:
    """The validating configuration as the API server has it: what a patch makes of it."""

    def __init__(self, kind: str = "ValidatingWebhookConfiguration") -> None:
        self.kind = kind
        annotations = {"tiergate.io/webhooks": json.dumps([RELEASED])}
        self.document: Object = {
            "metadata": {"resourceVersion": "1", "annotations": annotations},
            "webhooks": [{**stored(), "name": "namespaces.validate.tiergate.io"}, stored()],
        }

    def read(self) -> Registration:
        return read_registration(self.kind, json.dumps(self.document).encode())

    def apply(self, operations: Operations) -> list[Object]:
        """Apply a patch and return the copies that hold namespaces."""
        self.document = jsonpatch.apply_patch(self.document, operations)
        return [one for one in self.document["webhooks"] if one["name"].startswith("excluded.")]


def test_a_copy_with_fail_holds_the_namespaces_that_are_left_out() -> None:
    """It differs from its entry in name, policy and selector alone; where all is as it should be, no patch is sent."""
    config = Stored()
    before = copy.deepcopy(config.document["webhooks"])
    (copied,) = config.apply(hand_over(config.read(), since="now", excluded=("a", "b")))
    named = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["a", "b"]}
    assert copied == {
        **stored(),
        "name": "excluded.pods.validate.tiergate.io",
        "namespaceSelector": {"matchExpressions": [*RELEASED["namespaceSelector"]["matchExpressions"], named]},
    }
    assert config.read().excluded() == ("a", "b")
    assert config.document["webhooks"][1]["failurePolicy"] == "Ignore"
    assert hand_over(config.read(), since="now", excluded=("a", "b")) == exclude(config.read(), ("a", "b")) == []
    (copied,) = config.apply(exclude(config.read(), ("b",)))
    assert config.read().excluded() == ("b",)
    assert config.apply(hand_back(config.read())) == []
    assert config.document["webhooks"] == before


def test_what_platform_and_controller_add_to_a_copy_is_no_change_and_a_new_release_is() -> None:
    config = Stored()
    (copied,) = config.apply(hand_over(config.read(), since="now", excluded=("a",)))
    copied["namespaceSelector"]["matchExpressions"].append(AKS)
    copied["clientConfig"]["caBundle"] = "QkJC"
    assert config.read().excluded() == ("a",)
    assert exclude(config.read(), ("a",)) == []
    config.document["webhooks"][1]["timeoutSeconds"] = 9
    (copied,) = config.apply(exclude(config.read(), ("a",)))
    assert copied["timeoutSeconds"] == 9


def test_a_copy_is_a_deviation_unless_it_is_handed_over() -> None:
    assert found(stored(), {**stored(), "name": "excluded.pods.validate.tiergate.io"}, mark="now") == ""
    assert "excluded.pods" in found(stored(), {**stored(), "name": "excluded.pods.validate.tiergate.io"})


def test_a_mutating_configuration_holds_nobody() -> None:
    """Its validating sister does: one answer that is missing is enough to refuse."""
    config = Stored("MutatingWebhookConfiguration")
    assert config.apply(hand_over(config.read(), since="now", excluded=("a",))) == []
