"""What fuzzing starts from: the recorded reviews of the golden cases, and built ones of every kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.builders import a_claim_object, a_namespace_object, a_pod_object, a_tier_object
from tests.fuzz.policies import POLICIES
from tests.reviews import a_resize, a_review

GOLDEN: Final = Path(__file__).parents[1] / "golden" / "cases"
LARGEST: Final = 8192
"""Bytes; larger seeds cost more than they find."""

Json = dict[str, Any]


def _container(name: str, requests: Json | None, limits: Json | None, **more: object) -> Json:
    return {"name": name, "resources": {"requests": requests, "limits": limits}, **more}


def _pods() -> Iterator[Json]:
    small = _container("agent", {"cpu": "100m", "memory": "64Mi"}, {"cpu": "200m", "memory": "128Mi"})
    sidecar = _container("mesh", None, {"cpu": "0.25", "memory": "100M"}, restartPolicy="Always")
    setup = _container("setup", {"cpu": 1, "memory": "1e8"}, {"cpu": "1000m", "memory": "100M"})
    yield a_pod_object()
    yield a_pod_object(small)
    yield a_pod_object(small, _container("second", {}, {"ephemeral-storage": "600Mi"}), initContainers=[sidecar, setup])
    yield a_pod_object(_container("free", {"cpu": "0", "memory": "1Mi"}, {"cpu": "0", "memory": 0}))
    yield a_pod_object({"name": "one", "resources": {}}, {"name": "two"})
    gpu = {"nvidia.com/gpu": "1", "hugepages-2Mi": "4Mi", "cpu": "100m"}
    yield a_pod_object(_container("gpu", None, gpu), priorityClassName="high", activeDeadlineSeconds=60)
    levelled = {"requests": {"cpu": "500m"}, "limits": {"cpu": "1", "hugepages-2Mi": "2Mi"}}
    yield a_pod_object(small, resources=levelled, overhead={"cpu": "250m", "memory": "120Mi"})
    yield a_pod_object({"name": "bare"}, resources={"requests": {"cpu": "1m"}, "limits": {"cpu": "0", "memory": "1Mi"}})
    term = {"labelSelector": {}, "topologyKey": "zone", "namespaceSelector": {}}
    kept = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term}]}
    yield a_pod_object(small, affinity={"podAntiAffinity": kept})
    annotated = a_pod_object(initContainers=[sidecar])
    annotated["metadata"]["annotations"] = {"tiergate.io/defaults": "tiergate set: cpu request for container agent"}
    yield annotated


def _running(pod: Json) -> Json:
    said = {"name": "agent", "resources": {"requests": {"cpu": "150m"}, "limits": {"cpu": "300m"}}}
    conditions = [{"type": "PodResizePending", "reason": "Infeasible", "status": "True"}]
    status = {"phase": "Running", "qosClass": "Burstable", "conditions": conditions}
    return {**pod, "status": {**status, "containerStatuses": [{**said, "allocatedResources": {"cpu": "200m"}}]}}


def _reviews() -> Iterator[bytes]:
    pods = list(_pods())
    for pod in pods:
        yield a_review(pod)
        yield a_resize(_running(pod), _running(pods[1]))
    old, new = a_claim_object("2Gi", storageClassName="gold"), a_claim_object("4Gi", storageClassName="gold")
    old["status"] = {"phase": "Bound", "capacity": {"storage": "2Gi"}, "allocatedResources": {"storage": "3Gi"}}
    yield a_review(new, dryRun=True)
    yield a_review(new, old=old, operation="UPDATE")
    yield a_review(a_claim_object("1.5Gi", volumeAttributesClassName="silver"))
    yield a_review(a_claim_object("500m"))
    yield a_review(a_namespace_object())
    yield a_review(a_namespace_object(tier="prod"), old=a_namespace_object(), operation="UPDATE", subResource="status")
    for policy in POLICIES:
        tier = a_tier_object(policy.spec, name=policy.name)
        yield a_review(tier)
        yield a_review(tier, old=tier, operation="UPDATE")
        yield a_review(None, old=tier, operation="DELETE", resource=_TIERS)


_TIERS: Final = {"group": "tiergate.io", "version": "v1alpha1", "resource": "tiers"}


def _documents() -> Iterator[bytes]:
    yield json.dumps(a_namespace_object()).encode()
    for policy in POLICIES:
        yield json.dumps(a_tier_object(policy.spec, name=policy.name)).encode()
        yield from (json.dumps(one).encode() for one in policy.objects)


def seeds() -> list[bytes]:
    """Return the seeds, always in the same order."""
    golden = (file.read_bytes() for file in sorted(GOLDEN.glob("*/request.json")))
    found = [*_reviews(), *_documents(), *(_compact(one) for one in golden)]
    return [one for one in dict.fromkeys(found) if len(one) <= LARGEST]


def _compact(document: bytes) -> bytes:
    return json.dumps(json.loads(document), separators=(",", ":"), ensure_ascii=False).encode()
