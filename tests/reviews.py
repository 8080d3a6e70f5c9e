"""AdmissionReviews to tweak, as the API server sends them."""

from __future__ import annotations

import json
from typing import Any

from tests.builders import UID, Json


def a_scale_review(replicas: int, before: int) -> bytes:
    """Return the review of a change of scale of a Deployment."""
    new, old = (
        {
            "kind": "Scale",
            "metadata": {"name": "web", "namespace": "dev", "uid": "uid-web"},
            "spec": {"replicas": count},
        }
        for count in (replicas, before)
    )
    return a_review(new, old=old, operation="UPDATE", subResource="scale")


_RESOURCES: dict[str, Json] = {
    "Pod": {"group": "", "version": "v1", "resource": "pods"},
    "PersistentVolumeClaim": {"group": "", "version": "v1", "resource": "persistentvolumeclaims"},
    "Namespace": {"group": "", "version": "v1", "resource": "namespaces"},
    "Tier": {"group": "tiergate.io", "version": "v1alpha1", "resource": "tiers"},
    "Deployment": {"group": "apps", "version": "v1", "resource": "deployments"},
    "ReplicaSet": {"group": "apps", "version": "v1", "resource": "replicasets"},
    "DaemonSet": {"group": "apps", "version": "v1", "resource": "daemonsets"},
    "Scale": {"group": "apps", "version": "v1", "resource": "deployments"},
}


def a_review_object(
    new: Json | None,
    *,
    old: Json | None = None,
    operation: str = "CREATE",
    **request: Any,  # noqa: ANN401  # JSON
) -> Json:
    """Return an AdmissionReview of an object as JSON holds it; keywords are members of ``request``."""
    shown = new or old or {}
    metadata = shown.get("metadata") or {}
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": UID,
            "resource": _RESOURCES[shown.get("kind", "Pod")],
            "name": metadata.get("name"),
            "namespace": metadata.get("namespace"),
            "operation": operation,
            "userInfo": {"username": "alice", "groups": ["system:authenticated"]},
            "object": new,
            "oldObject": old,
            "dryRun": False,
            **request,
        },
    }


def a_review(
    new: Json | None,
    *,
    old: Json | None = None,
    operation: str = "CREATE",
    **request: Any,  # noqa: ANN401  # JSON
) -> bytes:
    """Return the bytes of ``a_review_object``."""
    return json.dumps(a_review_object(new, old=old, operation=operation, **request)).encode()


def a_resize(new: Json, old: Json) -> bytes:
    """Return the review of a ``pods/resize``."""
    return a_review(new, old=old, operation="UPDATE", subResource="resize")
