"""Minimal valid values to tweak: core values from quantity texts, JSON objects, and reviews of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypedDict

from tiergate.admission.request import AdmissionRequest, read
from tiergate.admission.review import UserInfo
from tiergate.core.claim import Claim
from tiergate.core.decide import decide
from tiergate.core.decision import Decision, Fault
from tiergate.core.facts import Facts, Server, TierState
from tiergate.core.mode import Mode
from tiergate.core.podspec import Container, ContainerStatus, Pod
from tiergate.core.quantity import Quantity
from tiergate.core.quota import QuotaStatus
from tiergate.core.release import NEWEST
from tiergate.core.request import Endpoint, Request, Subject, Unreadable
from tiergate.core.tier import LimitRangeItem, ScopeRequirement, Tier, TierQuota, with_effective_items
from tiergate.core.workload_case import UNKNOWN

Texts = Mapping[str, str]
Json = dict[str, Any]
NOW = 0.0
"""A time at which no pod is past its grace period."""
RELEASE_NAMESPACE = "tiergate-system"
UID = "705ab4f5-6393-11e8-b7cc-42010a800002"


class TimeAndRelease(TypedDict):
    """What a decision takes of the server: the time and the release."""

    now: float
    minor: int


SERVER: Final[TimeAndRelease] = {"now": NOW, "minor": NEWEST}
"""For tests that do not care."""


def amounts(texts: Texts | None = None) -> dict[str, Quantity]:
    """Return a ResourceList of quantity texts."""
    return {name: Quantity.parse(text) for name, text in (texts or {}).items()}


def texts(resources: Mapping[str, Quantity]) -> dict[str, str]:
    """Return the canonical texts of a ResourceList."""
    return {name: str(quantity) for name, quantity in resources.items()}


def a_container(
    name: str = "agent",
    *,
    requests: Texts | None = None,
    limits: Texts | None = None,
    pointer: str = "",
    init: bool = False,
    restartable: bool = False,
) -> Container:
    """Return a container as the API server decodes it: requests completed from limits (D-3)."""
    written = amounts(requests)
    return Container(
        name=name,
        pointer=pointer or f"/spec/{'initContainers' if init else 'containers'}/0",
        requests={**amounts(limits), **written},
        limits=amounts(limits),
        written_requests=frozenset(written),
        init=init,
        restartable=restartable,
    )


def a_pod(  # noqa: PLR0913, RUF100  # a builder has as many words as its value has fields
    *containers: Container,
    init: Sequence[Container] = (),
    requests: Texts | None = None,
    limits: Texts | None = None,
    overhead: Texts | None = None,
    statuses: Mapping[str, ContainerStatus] | None = None,
    **fields: Any,  # noqa: ANN401  # the remaining fields of Pod, as they are
) -> Pod:
    """Return a pod with one container unless told otherwise; keywords are pod-level texts and Pod fields."""
    return Pod(
        name=fields.pop("name", "agent-7f9c"),
        containers=containers or (a_container(),),
        init_containers=tuple(init),
        requests=amounts(requests),
        limits=amounts(limits),
        overhead=amounts(overhead),
        statuses=dict(statuses or {}),
        **fields,
    )


def an_item(
    kind: str = "Container",
    *,
    default: Texts | None = None,
    default_request: Texts | None = None,
    low: Texts | None = None,
    high: Texts | None = None,
    ratio: Texts | None = None,
) -> LimitRangeItem:
    """Return a LimitRange item; ``low`` and ``high`` are its min and max."""
    return LimitRangeItem(
        type=kind,
        default=amounts(default),
        default_request=amounts(default_request),
        min=amounts(low),
        max=amounts(high),
        max_limit_request_ratio=amounts(ratio),
    )


def a_tier_quota(
    hard: Texts, *, name: str = "compute", scopes: Iterable[str] = (), selector: Iterable[ScopeRequirement] = ()
) -> TierQuota:
    """Return a quota of a tier."""
    return TierQuota(name=name, hard=amounts(hard), scopes=tuple(scopes), scope_selector=tuple(selector))


def a_tier(
    *items: LimitRangeItem,
    quotas: Iterable[TierQuota] = (),
    name: str = "dev",
    users: Iterable[str] = (),
    groups: Iterable[str] = (),
    mode: Mode = "Enforce",
) -> Tier:
    """Return a tier with its effective items, as a reader makes it."""
    return with_effective_items(
        Tier(
            name=name,
            limits=items,
            quotas=tuple(quotas),
            exempt_users=frozenset(users),
            exempt_groups=frozenset(groups),
            mode=mode,
        )
    )


def a_quota(
    hard: Texts | None = None,
    used: Texts | None = None,
    *,
    name: str = "tier",
    scopes: Iterable[str] = (),
    selector: Iterable[ScopeRequirement] = (),
    managed: bool = True,
) -> QuotaStatus:
    """Return a ResourceQuota in force; names without a ``used`` text are unused."""
    return QuotaStatus(
        name=name,
        namespace="dev",
        hard=amounts(hard),
        used={**dict.fromkeys(hard or {}, Quantity(0)), **amounts(used)},
        scopes=tuple(scopes),
        scope_selector=tuple(selector),
        managed=managed,
        spec_hard=amounts(hard),
    )


def a_claim(storage: str | None = "5Gi", *, storage_class: str = "", allocated: str | None = None) -> Claim:
    """Return a claim."""
    return Claim(
        name="data",
        storage=None if storage is None else Quantity.parse(storage),
        allocated=None if allocated is None else Quantity.parse(allocated),
        storage_class=storage_class,
    )


def a_request(
    subject: Subject,
    *,
    old: Pod | Claim | None = None,
    endpoint: Endpoint = "validate",
    user: str = "alice",
    groups: Iterable[str] = (),
    namespace: str = "dev",
) -> Request:
    """Return a request for a decision."""
    resource = "persistentvolumeclaims" if isinstance(subject, Claim) else "pods"
    return Request(
        endpoint=endpoint,
        resource=resource,
        namespace=namespace,
        name="agent-7f9c",
        user=user,
        groups=tuple(groups),
        subject=subject,
        old=old,
    )


def an_admission_request(subject: Subject | None = None, **fields: Any) -> AdmissionRequest:  # noqa: ANN401  # the fields of AdmissionRequest
    """Return a request as a review's bytes are read to one: the creation of a pod unless told otherwise."""
    defaults: dict[str, Any] = {
        "endpoint": "validate",
        "resource": "pods",
        "namespace": "dev",
        "name": "agent-7f9c",
        "user": "alice",
        "subject": subject or a_pod(),
        "uid": UID,
        "operation": "CREATE",
        "dry_run": False,
        "user_info": UserInfo("alice"),
    }
    return AdmissionRequest(**{**defaults, **fields})


def faults(endpoint: Endpoint, body: bytes) -> tuple[Fault, ...]:
    """Return the faults of a review whose object cannot be read; fail for one that can."""
    subject = read(endpoint, body).subject
    assert isinstance(subject, Unreadable), subject
    return subject.faults


def the_facts(
    tier: TierState,
    quotas: tuple[QuotaStatus, ...] = (),
    *,
    now: float = NOW,
    minor: int = NEWEST,
    **fields: Any,  # noqa: ANN401  # the remaining fields of Facts, as they are
) -> Facts:
    """Return facts of caches that are in touch, and nothing else known."""
    nothing: dict[str, Any] = {
        "usage": None,
        "permitted": frozenset(),
        "members": (),
        "trusted": True,
        "fresh": frozenset(),
        "unread": frozenset(),
        "waited": False,
        "around": UNKNOWN,
        "scaled": None,
    }
    server = Server(minor, now)
    return Facts(server=server, release_namespace=RELEASE_NAMESPACE, tier=tier, quotas=quotas, **{**nothing, **fields})


def validated(  # noqa: PLR0913, RUF100  # what a verdict is a function of
    subject: Pod | Claim,
    *,
    old: Pod | Claim | None = None,
    tier: Tier,
    quotas: tuple[QuotaStatus, ...] = (),
    now: float = NOW,
    minor: int = NEWEST,
) -> Decision:
    """Return the decision on usage that was just read."""
    fresh = frozenset({"quotas"})
    return decide(a_request(subject, old=old), the_facts(tier, quotas, now=now, minor=minor, fresh=fresh))


def reported(  # noqa: PLR0913, RUF100  # as validated
    subject: Pod | Claim,
    *,
    old: Pod | Claim | None = None,
    tier: Tier,
    quotas: tuple[QuotaStatus, ...] = (),
    unchecked: bool = False,
    now: float = NOW,
    minor: int = NEWEST,
) -> Decision:
    """Return the decision of a tier that refuses nothing; ``quotas`` are those of its objects' usage."""
    usage = None if unchecked else quotas
    return decide(a_request(subject, old=old), the_facts(tier, now=now, minor=minor, usage=usage))


def defaults_of(pod: Pod, tier: Tier) -> Decision:
    """Return the decision of the mutating pass."""
    return decide(a_request(pod, endpoint="mutate"), the_facts(tier))


def is_silent(decision: Decision) -> bool:
    """Say whether the decision is an allowance that changes and tells nothing."""
    return not (decision.findings or decision.patch or decision.defaults or decision.unchecked)


def a_pod_object(*containers: Json, **spec: Any) -> Json:  # noqa: ANN401  # JSON
    """Return a Pod as JSON holds it, with one bare container unless told otherwise."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "agent-7f9c", "namespace": "dev"},
        "spec": {"containers": list(containers) or [{"name": "agent", "image": "agent:1", "resources": {}}], **spec},
        "status": {},
    }


def an_owner(**fields: Any) -> Json:  # noqa: ANN401  # JSON
    """Return an entry of ``ownerReferences``: a ReplicaSet that controls the object, unless told otherwise."""
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5f", "uid": "uid-rs", "controller": True}
    return {**owner, **fields}


def a_workload_object(kind: str = "Deployment", *, name: str = "web", cpu: str = "1", **spec: Any) -> Json:  # noqa: ANN401  # JSON
    """Return a workload as JSON holds it."""
    containers = [{"name": "agent", "resources": {"limits": {"cpu": cpu}}}]
    metadata = {"name": name, "namespace": "dev", "uid": f"uid-{name}"}
    return {"kind": kind, "metadata": metadata, "spec": {"template": {"spec": {"containers": containers}}, **spec}}


def a_claim_object(storage: str = "5Gi", **spec: Any) -> Json:  # noqa: ANN401  # JSON
    """Return a PersistentVolumeClaim as JSON holds it."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "dev"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}, **spec},
        "status": {},
    }


def a_tier_object(spec: Json | None = None, *, name: str = "dev") -> Json:
    """Return a Tier as JSON holds it."""
    return {"apiVersion": "tiergate.io/v1alpha1", "kind": "Tier", "metadata": {"name": name}, "spec": spec or {}}


def a_namespace_object(name: str = "dev", *, tier: str | None = "dev") -> Json:
    """Return a Namespace as JSON holds it."""
    labels = {"kubernetes.io/metadata.name": name} | ({} if tier is None else {"tiergate.io/tier": tier})
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
