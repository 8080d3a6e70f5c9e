"""A Tier's JSON as a core value."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.builders import a_namespace_object, a_tier_object, texts
from tests.docs.values import CHART
from tiergate.core.mode import MODES, Mode
from tiergate.core.text import VALUE_SHOWN
from tiergate.core.tier import ScopeRequirement, Tier
from tiergate.wire import Malformed
from tiergate.wire.namespace import Namespace, read_namespace
from tiergate.wire.tier import TIER_GROUP, TIER_VERSION, read_tier, tier_and_faults


def read(spec: dict[str, Any] | None) -> Tier:
    return read_tier(json.dumps(a_tier_object(spec) | {"metadata": {"name": "dev", "generation": 3}}).encode())


def test_limits_quotas_and_exemptions_are_read() -> None:
    tier = read(
        {
            "enforcement": "Enforce",
            "limits": [
                {
                    "type": "Container",
                    "default": {"cpu": "250m"},
                    "defaultRequest": {"cpu": "100m"},
                    "min": {"cpu": "10m"},
                    "max": {"cpu": 0.5},
                    "maxLimitRequestRatio": {"cpu": "4"},
                }
            ],
            "quotas": [
                {
                    "name": "compute",
                    "per": "Namespace",
                    "hard": {"pods": 20},
                    "scopes": ["Terminating"],
                    "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists"}]},
                }
            ],
            "exemptions": {"users": ["ops"], "groups": ["sre"]},
        }
    )
    (item,), (quota,) = tier.limits, tier.quotas
    assert tier.name == "dev"
    assert texts(item.default) == {"cpu": "250m"}
    assert texts(item.default_request) == {"cpu": "100m"}
    assert texts(item.min) == {"cpu": "10m"}
    assert texts(item.max) == {"cpu": "500m"}
    assert texts(item.max_limit_request_ratio) == {"cpu": "4"}
    assert (quota.name, texts(quota.hard), quota.scopes) == ("compute", {"pods": "20"}, ("Terminating",))
    assert quota.scope_selector == (ScopeRequirement("PriorityClass", "Exists", ()),)
    assert sorted(tier.exempt_users | tier.exempt_groups) == ["ops", "sre"]
    assert "ops" in tier.exempt_users


@pytest.mark.rule("L-1")
def test_the_effective_items_are_ready_by_type() -> None:
    """L-1."""
    tier = read({"limits": [{"type": "Container", "max": {"cpu": "1"}}, {"type": "Pod", "max": {"cpu": "2"}}]})
    assert tier.container is not None
    assert texts(tier.container.default) == {"cpu": "1"}
    assert tier.limits[0].default == {}
    assert tier.pod is tier.limits[1]
    assert tier.claim is None


def test_an_empty_spec_is_a_tier_without_rules() -> None:
    for tier in (read({}), read(None)):
        assert not tier.limits
        assert not tier.quotas


@pytest.mark.parametrize("mode", MODES)
def test_the_mode_is_read_and_enforce_without_one(mode: Mode) -> None:
    assert read({"enforcement": mode}).mode == mode
    assert read({}).mode == "Enforce"


def test_what_this_version_does_not_enforce_is_refused_all_of_it_at_once() -> None:
    with pytest.raises(Malformed) as refused:
        read({"enforcement": "Dryrun", "quotas": [{"name": "a"}, {"name": "gpu", "per": "Tier"}]})
    assert [(one.pointer, one.reason) for one in refused.value.every()] == [
        ("/spec/enforcement", '"Dryrun" is not supported, only "Enforce", "Warn", "Audit" are'),
        ("/spec/quotas/1/per", '"Tier" is not supported, only "Namespace" is'),
    ]


def test_a_long_word_that_nothing_enforces_is_shown_short() -> None:
    with pytest.raises(Malformed) as refused:
        read({"enforcement": "x" * 100, "quotas": [{"per": "x" * 100}]})
    assert [one.reason.split(" is not ")[0] for one in refused.value.every()] == [f'"{"x" * VALUE_SHOWN}..."'] * 2


@pytest.mark.parametrize(
    ("labels", "tier"),
    [({"tiergate.io/tier": "dev"}, "dev"), ({"tiergate.io/tier": ""}, ""), ({"a": "b"}, None), (None, None)],
    ids=["label", "empty-label", "other-labels", "no-labels"],
)
def test_a_namespace_names_its_tier_or_none(labels: dict[str, str] | None, tier: str | None) -> None:
    raw = json.dumps({"metadata": {"name": "dev", "resourceVersion": "5", "labels": labels}}).encode()
    assert read_namespace(raw) == Namespace("dev", tier=tier)


def test_the_labels_by_which_a_platform_keeps_webhooks_out_are_read() -> None:
    labels = {"control-plane": "x", "kubernetes.azure.com/managedby": "aks"}
    found = read_namespace(json.dumps({"metadata": {"name": "dev", "labels": {**labels, "team": "a"}}}).encode())
    assert found.labels == {"kubernetes.io/metadata.name": "dev", **labels}


def test_what_a_namespace_holds_that_nobody_reads_is_of_no_matter() -> None:
    """The API server validates what we read of one, and takes NUL in its annotations."""
    shown = a_namespace_object()
    shown["metadata"]["annotations"] = {"odd": "\0"}
    for read_by in (read_namespace, read_namespace.strictly):
        assert read_by(json.dumps(shown).encode()) == Namespace("dev", tier="dev")
    shown["metadata"]["labels"]["tiergate.io/tier"] = "dev\0"
    for read_by in (read_namespace, read_namespace.strictly):
        with pytest.raises(Malformed, match=r"/metadata/labels/tiergate.io~1tier: NUL"):
            read_by(json.dumps(shown).encode())


def test_a_namespace_that_is_going_says_so() -> None:
    going = a_namespace_object()
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert read_namespace(json.dumps(going).encode()).deleting


@pytest.mark.parametrize(("written", "asked"), [(None, False), (False, False), (True, True)])
def test_a_native_limit_range_is_asked_for_by_name_alone(written: bool | None, asked: bool) -> None:  # noqa: FBT001
    assert read({"nativeLimitRange": written}).native_limit_range is asked
    assert read({}).native_limit_range is False


@pytest.mark.parametrize(
    ("written", "policy"), [(None, "Warn"), ("Warn", "Warn"), ("Enforce", "Enforce"), ("Ignore", "Ignore")]
)
def test_a_tier_warns_of_workloads_unless_it_says_otherwise(written: str | None, policy: str) -> None:
    assert read({"workloads": written}).workloads == policy
    assert read({}).workloads == "Warn"


def test_a_policy_that_nothing_enforces_is_refused() -> None:
    with pytest.raises(Malformed) as refused:
        read({"workloads": "Audit"})
    assert refused.value.pointer == "/spec/workloads"
    assert refused.value.reason == '"Audit" is not supported, only "Enforce", "Warn", "Ignore" are'


def test_a_native_limit_range_is_a_boolean() -> None:
    with pytest.raises(Malformed) as refused:
        read({"nativeLimitRange": "true"})
    assert refused.value.pointer == "/spec/nativeLimitRange"


@pytest.mark.parametrize(
    ("spec", "name", "pointers"),
    [
        pytest.param({}, "dev", [], id="sound"),
        pytest.param(
            {"limits": [{"type": "Pod", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]},
            "dev",
            ["/spec/limits/0/min/cpu"],
            id="faulty",
        ),
        pytest.param({"enforcement": "Dryrun"}, None, ["/spec/enforcement"], id="unreadable"),
    ],
)
def test_a_stored_tier_is_judged_with_every_fault(spec: dict[str, Any], name: str | None, pointers: list[str]) -> None:
    tier, found = tier_and_faults(json.dumps(a_tier_object(spec)).encode())
    assert (tier.name if tier else None) == name
    assert [fault.pointer for fault in found] == pointers


def test_the_one_version_is_that_of_the_definition() -> None:
    spec = yaml.safe_load((CHART / "crds" / "tiers.yaml").read_text())["spec"]
    assert (spec["group"], [one["name"] for one in spec["versions"]]) == (TIER_GROUP, [TIER_VERSION])
