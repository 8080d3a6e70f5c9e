"""What is asked: a review of a two-container pod, as large as a real one."""

from __future__ import annotations

import json
from typing import Any, Final

UID: Final = "7f0d2f6c-8f6e-4c53-9f43-0d7e7f3a5a10"
NAMESPACE: Final = "dev"
SIZE: Final = 9_000
"""Bytes of the whole review: what the API server sends for the pod of an ordinary Deployment."""
MANAGER_BYTES: Final = 400
"""Where there is room for as many, another entry of managedFields fits."""


def review(*, defaulted: bool, size: int = SIZE) -> bytes:
    """Return an AdmissionReview of exactly so many bytes that must be allowed.

    Args:
        defaulted: Whether the pod has its requests and limits already (as at validating time) or gets them from the
            tier (as at mutating time).
        size: Bytes of the whole review.
    """
    document = _document(defaulted=defaulted)
    managed: list[dict[str, Any]] = document["request"]["object"]["metadata"]["managedFields"]
    while (room := size - len(_encode(document))) > MANAGER_BYTES:
        managed.append(manager(f"manager-{len(managed)}"))
    document["request"]["object"]["metadata"]["annotations"]["example.com/padding"] += "x" * room
    return _encode(document)


def _encode(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _document(*, defaulted: bool) -> dict[str, Any]:
    kind = {"group": "", "version": "v1", "kind": "Pod"}
    resource = {"group": "", "version": "v1", "resource": "pods"}
    account = "system:serviceaccount:kube-system:replicaset-controller"
    return {
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": UID,
            "kind": kind,
            "resource": resource,
            "requestKind": kind,
            "requestResource": resource,
            "name": "agent-api-5f7c9d8b6d-x2x7k",
            "namespace": NAMESPACE,
            "operation": "CREATE",
            "userInfo": {
                "username": account,
                "uid": "0b9b0f0e-3a38-4d3b-8d54-6d2a7d5f2f11",
                "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
            },
            "object": pod(defaulted=defaulted),
            "oldObject": None,
            "dryRun": False,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    }


def pod(*, defaulted: bool) -> dict[str, Any]:
    """Return the pod of the review."""
    spec = _spec([_container("agent", 8000, defaulted=defaulted), _container("proxy", 8080, defaulted=defaulted)])
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": "agent-api-5f7c9d8b6d",
        "uid": "f4f4a4f2-6e6c-4a2e-9d7e-5f7a3f9a5a77",
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": "agent-api-5f7c9d8b6d-x2x7k",
            "generateName": "agent-api-5f7c9d8b6d-",
            "namespace": NAMESPACE,
            "uid": "2a1f3b7e-51c3-4a0e-8a4e-9f7f5d1e8c21",
            "creationTimestamp": "2026-01-15T09:30:00Z",
            "labels": {"app": "agent-api", "pod-template-hash": "5f7c9d8b6d"},
            "annotations": {"example.com/padding": ""},
            "ownerReferences": [owner],
            "managedFields": [manager("kube-controller-manager")],
        },
        "spec": spec,
        "status": {"phase": "Pending", "qosClass": "Burstable"},
    }


def _spec(containers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "volumes": [{"name": "config", "configMap": {"name": "agent-api", "defaultMode": 420}}],
        "containers": containers,
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "serviceAccountName": "default",
        "serviceAccount": "default",
        "securityContext": {},
        "schedulerName": "default-scheduler",
        "tolerations": [
            {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
        ],
        "priority": 0,
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
    }


def _container(name: str, port: int, *, defaulted: bool) -> dict[str, Any]:
    amounts = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "250m", "memory": "256Mi"}}
    probe = {"httpGet": {"path": "/healthz", "port": port, "scheme": "HTTP"}, "timeoutSeconds": 1, "periodSeconds": 10}
    return {
        "name": name,
        "image": f"registry.example.com/agents/{name}:1.4.2",
        "ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}],
        "env": [{"name": f"SETTING_{number}", "value": f"value-{number}"} for number in range(12)],
        "resources": amounts if defaulted else {},
        "volumeMounts": [{"name": "config", "readOnly": True, "mountPath": "/etc/agent"}],
        "livenessProbe": probe,
        "readinessProbe": probe,
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
    }


def manager(name: str) -> dict[str, Any]:
    """Return an entry of managedFields."""
    fields: dict[str, object] = {
        f"f:{field}": {} for field in ("app", "pod-template-hash", "name", "image", "ports", "env", "resources")
    }
    return {
        "manager": name,
        "operation": "Update",
        "apiVersion": "v1",
        "time": "2026-01-15T09:30:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {"f:labels": {".": {}, **fields}}},
    }
