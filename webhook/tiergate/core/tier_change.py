"""What may be written as a Tier: all faults at once; a tier in use cannot be deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tiergate.core.decision import Decision, Finding, RuleId
from tiergate.core.default_pod import default_pod
from tiergate.core.facts import Facts
from tiergate.core.jsonpatch import escape
from tiergate.core.request import Request, TierChange
from tiergate.core.resources import is_extended
from tiergate.core.rules import checks_of, out_of_range, said
from tiergate.core.tally import unmeasured
from tiergate.core.text import shortened
from tiergate.core.tier import CONTAINER, LimitRangeItem, Tier, TierQuota, derived_defaults
from tiergate.core.tier_faults import DEVICE_CLASS_SUFFIX, faults

_CLAIM_COUNT: Final = "count/resourceclaims.resource.k8s.io"
_ACCOUNTS_OF: Final = "system:serviceaccounts:"
_EVERYBODY: Final = {
    "system:authenticated": "all people and controllers are in it",
    "system:unauthenticated": "whoever has not logged in is in it",
    "system:serviceaccounts": "all controllers and all programs in pods are in it",
}


def decide(request: Request, change: TierChange, facts: Facts) -> Decision:
    """Decide on a Tier that is written or deleted; a spec that does not change is not judged again."""
    tier, name = change.tier, request.name
    if change.spec_unchanged:
        return Decision(tier=name)
    if tier is None and not name:  # a collection's delete of an object that cannot be read
        return Decision((Finding("malformed", "/request/oldObject", detail="the name cannot be read"),))
    if tier is None:
        in_use = Finding("tier-in-use", "", tier=name, namespaces=facts.members)
        return Decision((in_use,) if facts.members else (), tier=name)
    denied = tuple(Finding("tier-invalid", fault.pointer, detail=fault.reason) for fault in faults(tier))
    return Decision(denied or tuple(_warnings(tier, facts.server.minor)), tier=name)


def _warnings(tier: Tier, minor: int) -> Iterator[Finding]:
    """Yield what is legal and rarely meant."""
    for index, item in enumerate(tier.limits):
        yield from _of_item(tier, f"/spec/limits/{index}", item)
    for one in out_of_range(default_pod(tier, minor), checks_of(tier)):
        yield _warning(tier, "default-pod-refused", "/spec/limits", detail=said(one, namespace="").fact)
    if not tier.is_native and (names := unmeasured(tier)):
        yield _warning(tier, "quota-unmeasured", "/spec/quotas", detail=tier.mode, resource=", ".join(names))
    for index, quota in enumerate(tier.quotas):
        for name in sorted(name for name in quota.hard if _above_its_limit(name, quota)):
            where = f"/spec/quotas/{index}/hard/{escape(name)}"
            yield _warning(tier, "quota-requests-above-limits", where, quota=quota.name, resource=name)
    if names := _unbounded_devices(tier):
        yield _warning(tier, "devices-unbounded", "/spec/quotas", resource=", ".join(names))
    for field, word, exempt in (("users", "user", tier.exempt_users), ("groups", "group", tier.exempt_groups)):
        for name in sorted(exempt):
            if reason := _broad(word, name):
                yield _warning(
                    tier, "exemption-broad", f"/spec/exemptions/{field}", user=f"{word} {name}", detail=reason
                )


def _above_its_limit(name: str, quota: TierQuota) -> bool:
    """Say whether the bound of requests can never be reached, as that of limits is smaller."""
    resource = name.removeprefix("requests.")
    limit = quota.hard.get(f"limits.{resource}")
    return limit is not None and name in {resource, f"requests.{resource}"} and quota.hard[name] > limit


def _of_item(tier: Tier, pointer: str, item: LimitRangeItem) -> Iterator[Finding]:
    """Yield derived defaults, and each ``max`` without a ``min``.

    Of an extended resource nothing is set in most containers: a request follows the limit, and a ``min`` is not missed.
    """
    if item.type == CONTAINER:
        for field, name, quantity in derived_defaults(item):
            if is_extended(name) and (field == "defaultRequest" or not quantity):
                continue
            where = f"{pointer}/{field}/{escape(name)}"
            yield _warning(tier, "default-derived", where, resource=f"{field}.{name}", bound=quantity)
    for name in sorted(name for name in item.max.keys() - item.min.keys() if not is_extended(name)):
        yield _warning(tier, "max-without-min", f"{pointer}/max/{escape(name)}", item=item.type, resource=name)


def _unbounded_devices(tier: Tier) -> tuple[str, ...]:
    """Return the names of devices that the tier bounds for containers and not for ResourceClaims (R-47), sorted."""
    hard = [(name, bound) for quota in tier.quotas for name, bound in quota.hard.items()]
    if any(name.endswith(DEVICE_CLASS_SUFFIX) or (name == _CLAIM_COUNT and not bound) for name, bound in hard):
        return ()
    names = {name for name, _ in hard if name.startswith("requests.") and is_extended(name.removeprefix("requests."))}
    return tuple(sorted(names))


def _broad(word: str, name: str) -> str:
    """Return why the exemption of a user or group takes in nearly everything, or "" (RBAC's names)."""
    if word == "group":
        if name in _EVERYBODY:
            return _EVERYBODY[name]
        if not name.startswith(_ACCOUNTS_OF):
            return ""
        namespace = name.removeprefix(_ACCOUNTS_OF)
        if namespace == "kube-system":
            return "the controllers that create the pods of workloads are in it"
        return f"every program that runs in namespace {shortened(namespace)} is in it"
    if name == "system:anonymous":
        return "it is whoever has not logged in"
    controls = name.startswith("system:serviceaccount:kube-system:") and name.endswith("-controller")
    return "it creates the pods of workloads" if controls or name == "system:kube-controller-manager" else ""


def _warning(tier: Tier, rule: RuleId, pointer: str, **said: Any) -> Finding:  # noqa: ANN401  # fields of Finding
    return Finding(rule, pointer, tier=tier.name, effect="warn", **said)
