"""What the API server of the benchmark holds: a cluster of a hundred namespaces, thirty of them governed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from bench.review import NAMESPACE

ENVIRONMENTS: Final = Path(__file__).parents[1] / "charts" / "tiergate" / "values" / "environments.yaml"
GOVERNED: Final = 30
OTHERS: Final = 70
CREATED: Final = "2026-01-15T09:00:00Z"

Object = dict[str, Any]


def collections() -> dict[str, tuple[Object, ...]]:
    """Return the objects by collection path."""
    tiers = _tiers()
    names = [NAMESPACE, *(f"team-{number}" for number in range(GOVERNED - 1))]
    governed = {name: tiers[0 if name == NAMESPACE else number % len(tiers)] for number, name in enumerate(names)}
    plain = [f"other-{number}" for number in range(OTHERS)]
    namespaces = [_namespace(name, tier["metadata"]["name"]) for name, tier in governed.items()]
    namespaces += [_namespace(name, None) for name in plain]
    return {
        "/apis/tiergate.io/v1alpha1/tiers": tuple(tiers),
        "/api/v1/namespaces": tuple(namespaces),
        "/api/v1/resourcequotas": tuple(_quota(name, tier) for name, tier in governed.items()),
        "/api/v1/limitranges": (),
        "/apis/node.k8s.io/v1/runtimeclasses": (),
    }


def _tiers() -> list[Object]:
    """Return the tiers of the ready values file, as the API server stores them; dev is first."""
    values = yaml.safe_load(ENVIRONMENTS.read_text())["tiers"]
    return [
        {
            "apiVersion": "tiergate.io/v1alpha1",
            "kind": "Tier",
            "metadata": {**_metadata(name), "generation": 1},
            "spec": {
                "enforcement": "Enforce",
                **tier["spec"],
                "quotas": [{"per": "Namespace", **quota} for quota in tier["spec"]["quotas"]],
            },
        }
        for name, tier in values.items()
    ]


def _namespace(name: str, tier: str | None) -> Object:
    labels = {"kubernetes.io/metadata.name": name, **({"tiergate.io/tier": tier} if tier else {})}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {**_metadata(name), "labels": labels},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def _quota(namespace: str, tier: Object) -> Object:
    """Return the tier's quota in a namespace where some pods run already."""
    hard = tier["spec"]["quotas"][0]["hard"]
    used = {
        "requests.cpu": "200m",
        "requests.memory": "256Mi",
        "limits.cpu": "1",
        "limits.memory": "1Gi",
        "pods": "2",
        "requests.storage": "0",
        "persistentvolumeclaims": "0",
        "requests.ephemeral-storage": "512Mi",
        "limits.ephemeral-storage": "2Gi",
    }
    labels = {"app.kubernetes.io/managed-by": "tiergate", "tiergate.io/tier": tier["metadata"]["name"]}
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {**_metadata("tier"), "namespace": namespace, "labels": labels},
        "spec": {"hard": hard},
        "status": {"hard": hard, "used": used},
    }


def _metadata(name: str) -> Object:
    return {"name": name, "uid": f"uid-of-{name}", "resourceVersion": "1", "creationTimestamp": CREATED}
