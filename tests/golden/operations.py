"""The fixed list of real operations whose reviews are the golden cases.

Each is done with kubectl to a cluster that has only our CRD and a recording webhook under the chart's rules; `capture`
writes what the API server asked meanwhile.
"""

from __future__ import annotations

from typing import Final

from tests.builders import Json
from tests.golden.objects import (
    ALICE,
    DRY,
    TIER_LABEL,
    TIERS,
    Operation,
    apply,
    create,
    finalized,
    kubectl,
    namespace,
    patch,
    relabelled,
    tier,
)
from tests.golden.pods import CLAIMS, PODS, RESIZES
from tests.golden.workloads import WORKLOADS

NAMESPACES: Final = (
    Operation("a labelled namespace", create(namespace("made", "dev")), ("namespaces-create",)),
    Operation(
        "a labelled namespace by one who may not",
        create(namespace("alices", "dev"), ALICE),
        ("namespaces-create-not-permitted",),
    ),
    Operation("a label without such a tier", create(namespace("early", "batch")), ("namespaces-tier-to-come",)),
    Operation(
        "a labelled namespace as a dry run", create(namespace("dry", "dev"), DRY), ("namespaces-create-dry-run",)
    ),
    Operation(
        "a server-side apply of a labelled namespace",
        apply(namespace("applied", "dev")),
        ("namespaces-server-side-apply",),
    ),
    Operation(
        "a generated name",
        create({**namespace("", "dev"), "metadata": {"generateName": "made-", "labels": {TIER_LABEL: "dev"}}}),
        ("namespaces-generated-name",),
    ),
    Operation("a label set", relabelled("plain", "dev"), ("namespaces-label-set",), create(namespace("plain"))),
    Operation("a label changed", relabelled("plain", "prod"), ("namespaces-label-changed",)),
    Operation(
        "a label removed by one who may not",
        relabelled("plain", None, ALICE),
        ("namespaces-label-removed-not-permitted",),
    ),
    Operation("a label set as a dry run", relabelled("plain", "dev", DRY), ("namespaces-label-set-dry-run",)),
    Operation(
        "a label of a namespace of the cluster's own", relabelled("kube-public", "dev", DRY), ("namespaces-protected",)
    ),
    Operation(
        "a label through the status",
        relabelled("plain", "dev", "--subresource=status"),
        ("namespaces-label-through-status",),
    ),
    Operation(
        "a label through the status as a dry run",
        relabelled("plain", "prod", f"--subresource=status {DRY}"),
        ("namespaces-label-through-status-dry-run",),
    ),
    Operation("a label through finalize", finalized("plain", "prod"), ("namespaces-label-through-finalize",)),
    Operation(
        "a label through finalize as a dry run",
        finalized("plain", "dev", "?dryRun=All"),
        ("namespaces-label-through-finalize-dry-run",),
    ),
    Operation("another label", kubectl("label namespace plain team=web")),
    Operation("a namespace without a label", create(namespace("free"))),
    Operation("a namespace's deletion", kubectl("delete namespace early --timeout=60s")),
)
GOOD: Final[Json] = {
    "limits": [
        {"type": "Container", "default": {"cpu": "250m", "memory": "256Mi"}, "max": {"cpu": 1, "memory": "1e9"}}
    ],
    "quotas": [{"name": "compute", "hard": {"pods": 20, "requests.cpu": "2", "requests.nvidia.com/gpu": "8"}}],
}
IN_TEXTS: Final[Json] = {
    "limits": [{"type": "Container", "default": {"cpu": "250m"}, "max": {"cpu": "1", "memory": "1e9"}}],
    "quotas": [{"name": "compute", "hard": {"pods": "20", "requests.cpu": "2"}}],
}
BAD: Final[Json] = {
    "limits": [{"type": "Container", "default": {"memory": "2Gi"}, "max": {"cpu": "1"}}],
    "quotas": [{"name": "compute", "hard": {"limits.memory": "1Gi", "nvidia.com/gpu": "8", "pods": "1500m"}}],
}
WITH_NULLS: Final[Json] = {
    "limits": [{"type": "Container", "default": {"cpu": "250m"}, "max": None}],
    "quotas": None,
    "exemptions": {"users": None, "groups": ["system:nodes"]},
}
TIER_OBJECTS: Final = (
    Operation("a tier with a warning", create(tier("made", GOOD)), ("tiers-create",)),
    Operation("a tier with texts only", create(tier("texts", IN_TEXTS)), ("tiers-create-with-texts-as-quantities",)),
    Operation("a tier with several faults", create(tier("faulty", BAD)), ("tiers-create-with-faults",)),
    Operation("a tier with nulls", create(tier("nulls", WITH_NULLS)), ("tiers-create-with-nulls",)),
    Operation("a tier as a dry run", create(tier("dry", GOOD), DRY), ("tiers-create-dry-run",)),
    Operation("a server-side apply of a new tier", apply(tier("applied", GOOD)), ("tiers-server-side-apply",)),
    Operation(
        "the same once more, which changes nothing", apply(tier("applied", GOOD)), ("tiers-apply-without-change",)
    ),
    Operation("a faulty change", patch("tier made", {"spec": BAD}, "--type=merge"), ("tiers-update-with-faults",)),
    Operation("a change", patch("tier made", {"spec": GOOD}, "--type=merge"), ("tiers-update",)),
    Operation(
        "a change as a dry run", patch("tier made", {"spec": BAD}, f"--type=merge {DRY}"), ("tiers-update-dry-run",)
    ),
    Operation("a label of a faulty tier", kubectl("label tier faulty team=web"), ("tiers-label-of-a-faulty-tier",)),
    Operation(
        "a tier's status", patch("tier made", {"status": {"namespaces": 1}}, "--type=merge --subresource=status")
    ),
    Operation("a deletion as a dry run", kubectl(f"delete tier made {DRY}"), ("tiers-delete-dry-run",)),
    Operation("the deletion of a tier in use", kubectl("delete tier made --timeout=60s"), ("tiers-delete-in-use",)),
    Operation(
        "the deletion of an unused tier",
        kubectl("delete tier dry-unused --timeout=60s"),
        ("tiers-delete",),
        create(tier("dry-unused", GOOD)),
    ),
    Operation(
        "the deletion of a collection",
        kubectl(f"delete --raw '{TIERS}?labelSelector=team%3Ddoomed'"),
        ("tiers-delete-collection",),
        create(tier("doomed", GOOD, labels={"team": "doomed"})),
    ),
)
OPERATIONS: Final = (*PODS, *RESIZES, *CLAIMS, *WORKLOADS, *NAMESPACES, *TIER_OBJECTS)
CAPTURED: Final = tuple(case for operation in OPERATIONS for case in operation.reviews if case)
