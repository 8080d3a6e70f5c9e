"""What is written: Tiers, and what puts namespaces into them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from tiergate.adopt.values import AdoptionPlan, NewTier
from tiergate.core.tier import LABEL, LimitRangeItem, ScopeRequirement, Tier, TierQuota, amounts_by_field
from tiergate.manifests.yaml_text import block
from tiergate.wire.tier import TIER_API_VERSION
from tiergate.wire.types import quantity_texts

Output = Literal["manifests", "labels", "values"]


class Destination(NamedTuple):
    """What is written, and the name of its file as commands have it."""

    output: Output
    file: str = "FILE"


def written(plan: AdoptionPlan, output: Output) -> str:
    """Return the text of an output, "" where there is nothing to write."""
    if not plan.tiers:
        return ""
    make = {"manifests": _manifests, "labels": _labels, "values": _values}[output]
    return "".join(f"{line}\n" for line in make(plan))


def tier_document(tier: Tier) -> dict[str, Any]:
    """Return a Tier as an object."""
    metadata = {"name": tier.name}
    return {"apiVersion": TIER_API_VERSION, "kind": "Tier", "metadata": metadata, "spec": _spec(tier)}


def namespace_document(name: str, tier: str) -> dict[str, Any]:
    """Return a Namespace with nothing but the label, for server-side apply."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {LABEL: tier}}}


def _manifests(plan: AdoptionPlan) -> Iterator[str]:
    """Yield the tiers first: a label that names none yet is warned of."""
    documents = [tier_document(one.tier) for one in plan.tiers if not one.exists]
    documents += [namespace_document(name, one.tier.name) for name, one in _members(plan)]
    for number, document in enumerate(documents):
        if number:
            yield "---"
        yield from block(document)


def _labels(plan: AdoptionPlan) -> Iterator[str]:
    for name, one in _members(plan):
        yield f"kubectl label namespace {name} {LABEL}={one.tier.name}"


def _values(plan: AdoptionPlan) -> Iterator[str]:
    """Yield values of the chart, which leaves namespaces that are there already to others."""
    tiers = {one.tier.name: {"spec": _spec(one.tier)} for one in plan.tiers if not one.exists}
    namespaces = {name: {"tier": one.tier.name} for name, one in _members(plan)}
    yield from block({"createNamespaces": False, "tiers": tiers, "namespaces": namespaces})


def _members(plan: AdoptionPlan) -> list[tuple[str, NewTier]]:
    return sorted((name, one) for one in plan.tiers for name in one.namespaces)


def _spec(tier: Tier) -> dict[str, Any]:
    spec: dict[str, Any] = {"enforcement": tier.mode}
    if tier.limits:
        spec["limits"] = [_item(one) for one in tier.limits]
    if tier.quotas:
        spec["quotas"] = [{"name": one.name, **quota_spec(one)} for one in tier.quotas]
    return spec


def _item(item: LimitRangeItem) -> dict[str, Any]:
    return {"type": item.type, **{field: quantity_texts(one) for field, one in amounts_by_field(item) if one}}


def quota_spec(quota: TierQuota) -> dict[str, Any]:
    """Return what a quota of a tier has in common with a ResourceQuota."""
    found: dict[str, Any] = {"hard": quantity_texts(quota.hard)}
    if quota.scopes:
        found["scopes"] = list(quota.scopes)
    if quota.scope_selector:
        found["scopeSelector"] = {"matchExpressions": [_expression(one) for one in quota.scope_selector]}
    return found


def _expression(wanted: ScopeRequirement) -> dict[str, Any]:
    values = {"values": list(wanted.values)} if wanted.values else {}
    return {"scopeName": wanted.scope_name, "operator": wanted.operator, **values}
