"""Our two webhook configurations: what they are, what this release registered, and what was handed over in them.

The chart writes the entries that it renders a second time, as JSON, into an annotation of the same object: what is
registered is compared with that. Both arrive in one write, so neither can be of another release than the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from tiergate.cluster.resource import MUTATING_WEBHOOK_CONFIGURATIONS, VALIDATING_WEBHOOK_CONFIGURATIONS
from tiergate.core.jsonpatch import escape
from tiergate.wire.namespace import CONTROL_PLANE, MANAGED_BY_AZURE, NAME_LABEL

CONFIGURATION_KINDS: Final = {
    "MutatingWebhookConfiguration": MUTATING_WEBHOOK_CONFIGURATIONS,
    "ValidatingWebhookConfiguration": VALIDATING_WEBHOOK_CONFIGURATIONS,
}
CONFIGURATION_NAME: Final = "tiergate"
PODS_MUTATE: Final = "pods.mutate.tiergate.io"
PODS_VALIDATE: Final = "pods.validate.tiergate.io"
CLAIMS_VALIDATE: Final = "persistentvolumeclaims.validate.tiergate.io"
BEING_DELETED_VALIDATE: Final = "being-deleted.validate.tiergate.io"
REQUIRED_ENTRIES: Final = {
    "MutatingWebhookConfiguration": (PODS_MUTATE,),
    "ValidatingWebhookConfiguration": (PODS_VALIDATE,),
}
"""Without these a tier is not enforced, whatever else is registered."""
HANDED_OVER: Final = frozenset({PODS_MUTATE, PODS_VALIDATE, CLAIMS_VALIDATE})
"""The entries whose objects Kubernetes' own engines can judge: these are handed over, the others never."""
OF_PODS_AND_CLAIMS: Final = HANDED_OVER | {BEING_DELETED_VALIDATE}
"""What is being deleted is not handed over: LimitRanger checks none of it."""
EXCLUDED: Final = "excluded."
"""Begins the name of a copy of an entry that stays with Fail, for the namespaces that a handover excludes."""
RELEASED_ANNOTATION: Final = "tiergate.io/webhooks"
MARK_ANNOTATION: Final = "tiergate.io/handed-over"
"""Since when the entries are handed over. It is set and removed in the same write as failurePolicy."""
_MARK_POINTER: Final = f"/metadata/annotations/{escape(MARK_ANNOTATION)}"
FIELD_MANAGER: Final = "tiergate-handover"
"""Who owns what a handover writes, until the ownership is given up: see `disown`."""
FAIL: Final = "Fail"
IGNORE: Final = "Ignore"
LONGEST_VALUE: Final = 200

WebhookEntry = dict[str, Any]
Operations = list[dict[str, Any]]

_DEFAULTS: Final[Mapping[str, Any]] = {
    "failurePolicy": FAIL,
    "matchPolicy": "Equivalent",
    "timeoutSeconds": 10,
    "reinvocationPolicy": "Never",
}
"""What the API server makes of an entry that does not say; the last one means nothing to a validating entry."""

_AKS_EXCLUSIONS: Final = (
    {"key": CONTROL_PLANE, "operator": "DoesNotExist"},
    {"key": CONTROL_PLANE, "operator": "NotIn", "values": ["true"]},
    {"key": MANAGED_BY_AZURE, "operator": "NotIn", "values": ["aks"]},
)
"""What the admissions enforcer of AKS adds to every namespaceSelector."""


def missing_entries(kind: str, present: Iterable[str]) -> list[str]:
    """Return the required entries of a kind of configuration that are not among those present, sorted."""
    return sorted(set(REQUIRED_ENTRIES[kind]).difference(present))


class _Owner(msgspec.Struct):
    manager: str = ""


class _Meta(msgspec.Struct):
    resourceVersion: str = ""  # noqa: N815 - as Kubernetes names it
    annotations: dict[str, str] | None = None
    managedFields: list[_Owner] | None = None  # noqa: N815 - as above


class _Document(msgspec.Struct):
    metadata: _Meta
    webhooks: list[WebhookEntry] | None = None


class Registration(msgspec.Struct, frozen=True):
    """One webhook configuration as it stands.

    Attributes:
        kind: Its kind.
        resource_version: The version that was read.
        entries: Its webhooks, in order.
        released: Those that the release registered; None if the configuration does not say.
        handed_over_since: When it was handed over; "" if it is not.
        annotated: It has annotations.
        owners: The managers of its managed fields, in order.
    """

    kind: str
    resource_version: str
    entries: tuple[WebhookEntry, ...]
    released: tuple[WebhookEntry, ...] | None = None
    handed_over_since: str = ""
    annotated: bool = False
    owners: tuple[str, ...] = ()

    def policies(self) -> dict[str, tuple[str, str]]:
        """Return failurePolicy of each entry that can be handed over: as it stands, and as released.

        An entry that the release itself lets fail open is none of them.
        """
        released = {_name(one): _policy(one) for one in self.released or ()}
        found = {_name(one): (_policy(one), released.get(_name(one), FAIL)) for one in self.entries}
        return {name: both for name, both in found.items() if name in HANDED_OVER and both[1] == FAIL}

    @property
    def is_open_unmarked(self) -> bool:
        """Whether an entry fails open unlike the release, without the mark of a handover."""
        return not self.handed_over_since and any(now == IGNORE for now, _ in self.policies().values())

    def excluded(self) -> tuple[str, ...]:
        """Return the namespaces that a handover leaves out, in order."""
        of_copies = (each for one in self.entries if _is_excluding(one) for each in _expressions(one))
        return next((tuple(each["values"]) for each in of_copies if _names_namespaces(each)), ())


def read_registration(kind: str, raw: bytes) -> Registration:
    """Return a configuration of a kind.

    Raises:
        msgspec.MsgspecError: It is not of that shape.
    """
    document = msgspec.json.decode(raw, type=_Document)
    annotations = document.metadata.annotations or {}
    return Registration(
        kind=kind,
        resource_version=document.metadata.resourceVersion,
        entries=tuple(document.webhooks or ()),
        released=_released(annotations.get(RELEASED_ANNOTATION)),
        handed_over_since=annotations.get(MARK_ANNOTATION, ""),
        annotated=document.metadata.annotations is not None,
        owners=tuple(one.manager for one in document.metadata.managedFields or ()),
    )


def _released(text: str | None) -> tuple[WebhookEntry, ...] | None:
    if text is None:
        return None
    try:
        return tuple(msgspec.json.decode(text, type=list[WebhookEntry]))
    except msgspec.MsgspecError:
        return None


def _name(entry: WebhookEntry) -> str:
    return str(entry.get("name", ""))


def _policy(entry: WebhookEntry) -> str:
    return str(entry.get("failurePolicy", FAIL))


def hand_over(found: Registration, *, since: str, excluded: Sequence[str] = ()) -> Operations:
    """Return the JSON patch that hands a configuration over; [] where that is done, or there is nothing to hand over.

    Args:
        found: The configuration.
        since: When, for people.
        excluded: Namespaces that the handover does not cover: what is created there still needs an answer.
    """
    operations = _with_policy(found, dict.fromkeys(found.policies(), IGNORE)) + _excluding(found, excluded)
    if found.handed_over_since:
        return [unchanged(found.resource_version), *operations] if operations else []
    return [unchanged(found.resource_version), *operations, *_mark(found, since)] if operations else []


def mark(found: Registration, *, since: str) -> Operations:
    """Return the JSON patch that marks a configuration as handed over without a change of its entries."""
    return [unchanged(found.resource_version), *_mark(found, since)]


def _mark(found: Registration, since: str) -> Operations:
    empty: Operations = [{"op": "add", "path": "/metadata/annotations", "value": {}}]
    return [*([] if found.annotated else empty), {"op": "add", "path": _MARK_POINTER, "value": since}]


def hand_back(found: Registration) -> Operations:
    """Return the JSON patch that takes a handover back; [] where there is none."""
    if not found.handed_over_since:
        return []
    operations = _with_policy(found, {name: released for name, (_, released) in found.policies().items()})
    operations += _excluding(found, ())
    operations.append({"op": "remove", "path": _MARK_POINTER})
    return [unchanged(found.resource_version), *operations]


def exclude(found: Registration, excluded: Sequence[str]) -> Operations:
    """Return the JSON patch that excludes these namespaces from a handover, and no others; [] where it is so."""
    operations = _excluding(found, excluded)
    return [unchanged(found.resource_version), *operations] if operations else []


def disown(found: Registration) -> Operations:
    """Return the JSON patch that gives up what a handover owns; [] where it owns nothing.

    Else Helm 4, which applies server-side, would end the next upgrade with a conflict over failurePolicy.
    """
    if FIELD_MANAGER not in found.owners:
        return []
    index = found.owners.index(FIELD_MANAGER)
    return [unchanged(found.resource_version), {"op": "remove", "path": f"/metadata/managedFields/{index}"}]


def _with_policy(found: Registration, wanted: Mapping[str, str]) -> Operations:
    operations: Operations = []
    for index, entry in enumerate(found.entries):
        policy = wanted.get(_name(entry))
        if policy is not None and _policy(entry) != policy:
            operations.append({"op": "test", "path": f"/webhooks/{index}/name", "value": _name(entry)})
            operations.append({"op": "add", "path": f"/webhooks/{index}/failurePolicy", "value": policy})
    return operations


def _excluding(found: Registration, excluded: Sequence[str]) -> Operations:
    """Add a copy of each validating entry with Fail for the excluded namespaces: no answer, no object."""
    validates = found.kind == "ValidatingWebhookConfiguration"
    copied = [one for one in found.entries if _name(one) in found.policies()] if validates and excluded else []
    wanted = [_excluding_copy(one, excluded) for one in copied]
    old = [index for index, one in enumerate(found.entries) if _is_excluding(one)]
    if [_complete(found.entries[index]) for index in old] == [_complete(one) for one in wanted]:
        return []
    operations: Operations = [{"op": "remove", "path": f"/webhooks/{index}"} for index in reversed(old)]
    return operations + [{"op": "add", "path": "/webhooks/-", "value": one} for one in wanted]


def _excluding_copy(entry: WebhookEntry, excluded: Sequence[str]) -> WebhookEntry:
    those = {"key": NAME_LABEL, "operator": "In", "values": list(excluded)}
    selector = {**(entry.get("namespaceSelector") or {}), "matchExpressions": [*_expressions(entry), those]}
    return {**entry, "name": f"{EXCLUDED}{_name(entry)}", "failurePolicy": FAIL, "namespaceSelector": selector}


def _is_excluding(entry: WebhookEntry) -> bool:
    return _name(entry).startswith(EXCLUDED)


def _names_namespaces(expression: Mapping[str, Any]) -> bool:
    return expression.get("key") == NAME_LABEL and expression.get("operator") == "In"


def unchanged(resource_version: str) -> dict[str, Any]:
    """Return the operation with which the API server refuses a patch of any other version than this one."""
    return {"op": "test", "path": "/metadata/resourceVersion", "value": resource_version}


def deviation(found: Registration) -> str:
    """Say in which field a configuration differs from what the release registered; "" where it does not.

    Not compared: ``caBundle``, which the controller writes, the exclusions that AKS adds, and of what is handed over
    failurePolicy and the copies for excluded namespaces.
    """
    if found.released is None:
        return f"it has no readable annotation {RELEASED_ANNOTATION}, so it cannot be compared with the release"
    live = {_name(one): one for one in found.entries if not (found.handed_over_since and _is_excluding(one))}
    released = {_name(one): one for one in found.released}
    if extra := sorted(live.keys() - released.keys()):
        return f"webhook {extra[0]} is not of this release"
    for name, entry in released.items():
        if name not in live:
            return f"webhook {name} is missing"
        known = _without_handover(live[name], found)
        path, now, wanted = _difference(_complete(known), _complete(entry), "")
        if path:
            return f"webhook {name}: {path} is {now}, the release says {wanted}"
    return ""


def excluded_by_platform(found: Registration) -> bool:
    """Say whether the platform excludes namespaces of its own from an entry."""
    return any(one in _AKS_EXCLUSIONS for entry in found.entries for one in _expressions(entry))


def _without_handover(entry: WebhookEntry, found: Registration) -> WebhookEntry:
    if found.handed_over_since and _name(entry) in found.policies():
        return {**entry, "failurePolicy": FAIL}
    return entry


def _expressions(entry: WebhookEntry) -> list[Any]:
    return list((entry.get("namespaceSelector") or {}).get("matchExpressions") or ())


def _complete(entry: WebhookEntry) -> WebhookEntry:
    """Return an entry as the API server stores it, without what is not compared."""
    config = {key: value for key, value in (entry.get("clientConfig") or {}).items() if key != "caBundle"}
    if isinstance(service := config.get("service"), dict):
        config["service"] = {"port": 443, **service}
    expressions = sorted((one for one in _expressions(entry) if one not in _AKS_EXCLUSIONS), key=msgspec.json.encode)
    selector = {**(entry.get("namespaceSelector") or {}), "matchExpressions": expressions}
    rules = [{"scope": "*", **rule} for rule in entry.get("rules") or ()]
    whole = {**_DEFAULTS, **entry, "clientConfig": config, "namespaceSelector": selector, "rules": rules}
    pruned = _pruned(whole)
    return pruned if isinstance(pruned, dict) else {}


def _pruned(value: object) -> object:
    """Leave out what is empty: an absent selector and an empty one are the same."""
    if isinstance(value, dict):
        kept = {key: _pruned(one) for key, one in value.items()}
        return {key: one for key, one in kept.items() if one not in (None, {}, [])}
    if isinstance(value, list):
        return [_pruned(one) for one in value]
    return value


def _difference(now: object, wanted: object, path: str) -> tuple[str, str, str]:
    """Return the first field that differs, and both of its values; "" for the field where none does."""
    if now == wanted:
        return "", "", ""
    if isinstance(now, dict) and isinstance(wanted, dict):
        for key in sorted(now.keys() | wanted.keys()):
            if now.get(key) != wanted.get(key):
                return _difference(now.get(key), wanted.get(key), f"{path}.{key}" if path else str(key))
    if isinstance(now, list) and isinstance(wanted, list) and len(now) == len(wanted):
        for index, (one, other) in enumerate(zip(now, wanted, strict=True)):
            if one != other:
                return _difference(one, other, f"{path}[{index}]")
    return path, _shown(now), _shown(wanted)


def _shown(value: object) -> str:
    if value is None:
        return "not set"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
