"""Namespaces that the webhooks are not asked about: the tier says so, whoever excluded them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.controller.world import (
    MUTATING,
    VALIDATING,
    a_cluster,
    a_namespace,
    a_tier,
    condition,
    controller,
    eventually,
    quota_path,
    ready,
    settled,
    tier_path,
)
from tests.fake_api import FakeApi

PODS_MUTATE, PODS, CLAIMS, LABEL_GUARD = (
    f"{name}.tiergate.io"
    for name in ("pods.mutate", "pods.validate", "persistentvolumeclaims.validate", "namespaces.validate")
)
GOVERNED = {"key": "tiergate.io/tier", "operator": "Exists"}
AKS = (
    {"key": "control-plane", "operator": "DoesNotExist"},
    {"key": "kubernetes.azure.com/managedby", "operator": "NotIn", "values": ["aks"]},
)


def without(*names: str) -> dict[str, Any]:
    return {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": list(names)}


def register(api: FakeApi, *, released: dict[str, list[Any]], added: tuple[Any, ...] = ()) -> None:
    """Register entries with the selectors that a release renders, and with what a platform adds."""
    for path, names in ((MUTATING, (PODS_MUTATE,)), (VALIDATING, (PODS, CLAIMS, LABEL_GUARD))):
        entries = [
            {
                "name": name,
                "clientConfig": (api.get(path)["webhooks"][0] if path in api else {}).get("clientConfig", {}),
                "failurePolicy": "Fail",
                **({"namespaceSelector": {"matchExpressions": released[name]}} if name in released else {}),
            }
            for name in names
        ]
        live = [{**one} for one in entries]
        for one in live:
            if added:
                expressions = one.get("namespaceSelector", {}).get("matchExpressions", [])
                one["namespaceSelector"] = {"matchExpressions": [*expressions, *added]}
        api.put(path, {"metadata": {"annotations": {"tiergate.io/webhooks": json.dumps(entries)}}, "webhooks": live})


def everywhere(*expressions: Any) -> dict[str, list[Any]]:  # noqa: ANN401 - any JSON
    return {name: [GOVERNED, *expressions] for name in (PODS_MUTATE, PODS, CLAIMS)}


def said(api: FakeApi) -> tuple[str, str]:
    enforcing = condition(api, "Enforcing")
    return enforcing.get("status", ""), enforcing.get("reason", "")


EXCLUDED = ("False", "NamespaceExcluded")
ASKED = ("True", "WebhooksRegistered")


@pytest.mark.parametrize(
    ("released", "added", "labels", "expected"),
    [
        pytest.param(everywhere(without("kube-system")), (), {}, ASKED, id="asked"),
        pytest.param(everywhere(without("kube-system", "dev")), (), {}, EXCLUDED, id="by-name"),
        pytest.param(everywhere() | {PODS_MUTATE: [without("dev")]}, (), {}, EXCLUDED, id="from-defaults-alone"),
        pytest.param(everywhere() | {CLAIMS: [without("dev")]}, (), {}, EXCLUDED, id="from-claims-alone"),
        pytest.param({LABEL_GUARD: [without("dev")]}, (), {}, ASKED, id="another-entry"),
        pytest.param(everywhere(), AKS, {}, ASKED, id="platform-of-others"),
        pytest.param(everywhere(), AKS, {"control-plane": "x"}, EXCLUDED, id="platform-by-key"),
        pytest.param(everywhere(), AKS, {"kubernetes.azure.com/managedby": "aks"}, EXCLUDED, id="platform-by-value"),
    ],
)
async def test_a_tier_with_a_namespace_that_nobody_is_asked_about_is_not_enforced(
    released: dict[str, list[Any]], added: tuple[Any, ...], labels: dict[str, str], expected: tuple[str, str]
) -> None:
    api = a_cluster()
    register(api, released=released, added=added)
    api.put("/api/v1/namespaces/dev", {"metadata": {"labels": {"tiergate.io/tier": "dev", **labels}}})
    async with controller(api):
        await eventually(ready(api))
        await eventually(lambda: said(api) == expected)
        assert ("namespace dev" in condition(api, "Enforcing")["message"]) == (expected == EXCLUDED)
        assert quota_path() in api


async def test_it_follows_selectors_and_labels_and_names_only_those_excluded() -> None:
    api = a_cluster()
    register(api, released=everywhere())
    api.put("/api/v1/namespaces/dev-b", a_namespace())
    async with controller(api):
        await settled(api)
        register(api, released=everywhere(without("dev-b")))
        await eventually(lambda: said(api) == EXCLUDED)
        assert "excludes namespace dev-b:" in condition(api, "Enforcing")["message"]
        register(api, released=everywhere(), added=AKS)
        await eventually(lambda: said(api) == ASKED)
        labels = {"tiergate.io/tier": "dev", "control-plane": "mine"}
        api.put("/api/v1/namespaces/dev", {"metadata": {"labels": labels}})
        await eventually(lambda: said(api) == EXCLUDED)
        assert "excludes namespace dev:" in condition(api, "Enforcing")["message"]
        api.put("/api/v1/namespaces/dev", a_namespace())
        await eventually(lambda: said(api) == ASKED)


async def test_a_mode_that_refuses_nothing_names_what_it_does_not_even_see() -> None:
    api = a_cluster()
    register(api, released=everywhere(without("dev")))
    tier = a_tier()
    tier["spec"]["enforcement"] = "Warn"
    api.put(tier_path(), tier)
    async with controller(api):
        await eventually(lambda: said(api) == ("False", "ModeWarn"))
        assert "excludes namespace dev" in condition(api, "Enforcing")["message"]
