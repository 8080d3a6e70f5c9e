"""The two webhook configurations: who is asked about what, and what happens when nobody answers."""

import json
from typing import Any

import pytest

from tests.chart.helm import NAMESPACE, Helm
from tiergate.cluster.registration import CONFIGURATION_KINDS, deviation, read_registration
from tiergate.wire.kinds import KINDS
from tiergate.wire.namespace import Namespace

pytestmark = pytest.mark.helm

NEVER = [NAMESPACE, "kube-system", "kube-public", "kube-node-lease"]
GOVERNED: list[dict[str, Any]] = [
    {"key": "tiergate.io/tier", "operator": "Exists"},
    {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": NEVER},
]
PODS = "pods.mutate.tiergate.io"
VALIDATED = "pods.validate.tiergate.io"
CLAIMS = "persistentvolumeclaims.validate.tiergate.io"
BEING_DELETED = "being-deleted.validate.tiergate.io"
WORKLOADS = "workloads.validate.tiergate.io"
NAMESPACES = "namespaces.validate.tiergate.io"
TIERS = "tiers.validate.tiergate.io"
SCALED = [
    *(("apps/v1", plural) for plural in ("deployments", "replicasets", "statefulsets")),
    ("/v1", "replicationcontrollers"),
]
JUDGED = [*SCALED, ("apps/v1", "daemonsets"), ("batch/v1", "jobs"), ("batch/v1", "cronjobs")]
KEYS = {
    PODS: "podsMutate",
    VALIDATED: "podsValidate",
    CLAIMS: "persistentVolumeClaimsValidate",
    BEING_DELETED: "beingDeletedValidate",
    WORKLOADS: "workloadsValidate",
    NAMESPACES: "namespacesValidate",
    TIERS: "tiersValidate",
}


def rules(entry: dict[str, Any]) -> set[tuple[str, str, str, str]]:
    """Return (group/version, resource, operation, scope) for all that the entry matches."""
    return {
        (f"{group}/{version}", resource, operation, rule["scope"])
        for rule in entry["rules"]
        for group in rule["apiGroups"]
        for version in rule["apiVersions"]
        for resource in rule["resources"]
        for operation in rule["operations"]
    }


@pytest.mark.parametrize(
    ("name", "path", "policy", "matched"),
    [
        pytest.param(PODS, "/mutate", "Fail", {("/v1", "pods", "CREATE", "Namespaced")}, id="mutate-pods"),
        pytest.param(
            VALIDATED,
            "/validate",
            "Fail",
            {("/v1", "pods", "CREATE", "Namespaced"), ("/v1", "pods/resize", "UPDATE", "Namespaced")},
            id="validate-pods",
        ),
        pytest.param(
            CLAIMS,
            "/validate",
            "Fail",
            {("/v1", "persistentvolumeclaims", operation, "Namespaced") for operation in ("CREATE", "UPDATE")},
            id="claims",
        ),
        pytest.param(
            BEING_DELETED,
            "/validate",
            "Fail",
            {("/v1", name, "UPDATE", "Namespaced") for name in ("pods/resize", "persistentvolumeclaims")},
            id="being-deleted",
        ),
        pytest.param(
            WORKLOADS,
            "/workloads",
            "Ignore",
            {
                *((version, plural, verb, "Namespaced") for version, plural in JUDGED for verb in ("CREATE", "UPDATE")),
                *((version, f"{plural}/scale", "UPDATE", "Namespaced") for version, plural in SCALED),
            },
            id="workloads",
        ),
        pytest.param(
            NAMESPACES,
            "/namespaces",
            "Fail",
            {
                ("/v1", f"namespaces{subresource}", operation, "Cluster")
                for subresource in ("", "/status", "/finalize")
                for operation in ("CREATE", "UPDATE")
            },
            id="namespaces",
        ),
        pytest.param(
            TIERS,
            "/tiers",
            "Ignore",
            {("tiergate.io/v1alpha1", "tiers", verb, "Cluster") for verb in ("CREATE", "UPDATE", "DELETE")},
            id="tiers",
        ),
    ],
)
def test_entry_matches_exactly(helm: Helm, name: str, path: str, policy: str, matched: set[Any]) -> None:
    """Each entry asks about these requests and no others, and fails the way the design says."""
    entry = helm.render().entries()[name]
    assert rules(entry) == matched
    assert entry["clientConfig"]["service"] == {
        "name": "tiergate-webhook",
        "namespace": NAMESPACE,
        "path": path,
        "port": 443,
    }
    assert entry["failurePolicy"] == policy
    assert entry["timeoutSeconds"] == (3 if name == WORKLOADS else 5)


def test_the_failure_policies_are_those_of_the_list_of_kinds(helm: Helm) -> None:
    policies = {(f"/{kind.endpoint}", kind.failure_policy) for kind in KINDS}
    entries = helm.render().entries().values()
    assert {(one["clientConfig"]["service"]["path"], one["failurePolicy"]) for one in entries} == policies


def test_there_are_these_entries_only(helm: Helm) -> None:
    """No entry is there for what no code judges yet."""
    assert set(helm.render().entries()) == set(KEYS)


def test_every_entry_is_dry_run_safe_and_v1(helm: Helm) -> None:
    """Anything else would break `kubectl --dry-run=server` or a version of the API server."""
    for entry in helm.render().entries().values():
        assert entry["sideEffects"] == "NoneOnDryRun"
        assert entry["admissionReviewVersions"] == ["v1"]
        assert entry["matchPolicy"] == "Equivalent"


def test_no_entry_carries_a_ca_bundle(helm: Helm) -> None:
    """The controller alone writes it; a second writer would take it away at every upgrade."""
    assert all("caBundle" not in entry["clientConfig"] for entry in helm.render().entries().values())


@pytest.mark.parametrize("name", [PODS, VALIDATED, CLAIMS, BEING_DELETED, WORKLOADS])
def test_only_governed_namespaces_are_matched(helm: Helm, name: str) -> None:
    """Namespaces without the label, ours and the cluster's own are never in the way of a failing webhook."""
    assert helm.render().entries()[name]["namespaceSelector"] == {"matchExpressions": GOVERNED}
    keys = {one["key"] for one in GOVERNED}
    assert keys <= Namespace("dev", tier="dev").labels.keys(), "the controller knows no other labels"


@pytest.mark.parametrize("name", [NAMESPACES, TIERS])
def test_cluster_scoped_entries_have_no_selector(helm: Helm, name: str) -> None:
    """A selector on the label would not see the update that removes the label."""
    assert "namespaceSelector" not in helm.render().entries()[name]
    assert "objectSelector" not in helm.render().entries()[name]


def test_extra_exclusions_are_added(helm: Helm) -> None:
    """Exclusions add to the fixed ones, a repeated one is named once, and none can be taken away."""
    rendered = helm.render({"webhook": {"excludeNamespaces": ["kube-system", "legacy"]}})
    for name in (PODS, VALIDATED, CLAIMS, BEING_DELETED, WORKLOADS):
        (_, excluded) = rendered.entries()[name]["namespaceSelector"]["matchExpressions"]
        assert excluded["values"] == [*NEVER, "legacy"]


def test_claims_never_stand_in_the_way_of_deletion(helm: Helm) -> None:
    """Removing a finalizer and binding change nothing that we judge, so they are never asked about.

    Nor is the class that the volume controller gives to a claim without one: native quota charges it. A claim that is
    being deleted can still grow, as long as a pod uses it.
    """
    entries = helm.render().entries()
    changed = (
        "object.spec.?resources != oldObject.spec.?resources "
        "|| object.spec.?volumeAttributesClassName != oldObject.spec.?volumeAttributesClassName"
    )
    assert entries[CLAIMS]["matchConditions"][-1]["expression"] == f"request.operation == 'CREATE' || {changed}"
    deleted = entries[BEING_DELETED]["matchConditions"][-1]["expression"]
    assert deleted == f"request.resource.resource == 'pods' || {changed}"


def test_what_is_being_deleted_has_an_entry_of_its_own(helm: Helm) -> None:
    """L-4: LimitRanger leaves it alone, so a handover must not. Each request is asked about once."""
    entries = helm.render().entries()
    being_deleted = "has(oldObject.metadata.deletionTimestamp)"
    assert entries[BEING_DELETED]["matchConditions"][1]["expression"] == being_deleted
    for name in (VALIDATED, CLAIMS):
        condition = entries[name]["matchConditions"][1]["expression"]
        assert condition == f"request.operation == 'CREATE' || !{being_deleted}"


@pytest.mark.parametrize("name", [PODS, VALIDATED, CLAIMS, BEING_DELETED, WORKLOADS])
def test_no_namespace_of_the_cluster_is_matched(helm: Helm, name: str) -> None:
    """A selector can only list names; one like kube-flannel may carry the label since before the guard."""
    condition = helm.render().entries()[name]["matchConditions"][0]
    assert condition["expression"] == "!request.namespace.startsWith('kube-')"


def test_workloads_are_asked_about_what_changes_pods_and_never_in_the_way_of_deletion(helm: Helm) -> None:
    """Status, annotations and finalizers go past us, and what a Deployment or CronJob made is judged with that."""
    (_, changed, made) = helm.render().entries()[WORKLOADS]["matchConditions"]
    assert changed["expression"] == (
        "request.operation == 'CREATE' || (object.spec != oldObject.spec && !has(object.metadata.deletionTimestamp))"
    )
    assert made["expression"] == (
        "!object.metadata.?ownerReferences.orValue([]).exists(owner, owner.?controller.orValue(false) && "
        "(request.resource.resource == 'replicasets' && owner.kind == 'Deployment' "
        "&& owner.apiVersion.startsWith('apps/') "
        "|| request.resource.resource == 'jobs' && owner.kind == 'CronJob' && owner.apiVersion.startsWith('batch/')))"
    )


def test_namespaces_are_asked_about_the_label_only(helm: Helm) -> None:
    """Every other update of a namespace, its deletion above all, goes past us."""
    (condition,) = helm.render().entries()[NAMESPACES]["matchConditions"]
    assert condition["expression"] == (
        "object.metadata.?labels[?'tiergate.io/tier'] "
        "!= (oldObject == null ? optional.none() : oldObject.metadata.?labels[?'tiergate.io/tier'])"
    )


def test_only_pods_are_mutated_and_asked_again(helm: Helm) -> None:
    """Templates of workloads are never changed; sidecars injected later get defaults too."""
    (entry,) = helm.render().one("MutatingWebhookConfiguration", "tiergate")["webhooks"]
    assert entry["name"] == PODS
    assert entry["reinvocationPolicy"] == "IfNeeded"


@pytest.mark.parametrize(("name", "key"), KEYS.items(), ids=KEYS.values())
def test_policy_and_timeout_are_set_for_each_entry(helm: Helm, name: str, key: str) -> None:
    """One value changes one entry and leaves the others as they were."""
    before = helm.render().entries()
    turned = "Ignore" if before[name]["failurePolicy"] == "Fail" else "Fail"
    after = helm.render({"webhook": {"entries": {key: {"failurePolicy": turned, "timeoutSeconds": 7}}}}).entries()
    assert (after[name]["failurePolicy"], after[name]["timeoutSeconds"]) == (turned, 7)
    assert {other: after[other] for other in after if other != name} == {
        other: before[other] for other in before if other != name
    }


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"webhook": {"excludeNamespaces": ["a", "b"], "service": {"port": 10443}}, "commonAnnotations": {"team": "a"}},
        {"webhook": {"entries": {"podsValidate": {"failurePolicy": "Ignore", "timeoutSeconds": 30}}}},
    ],
)
def test_each_configuration_says_what_was_registered(helm: Helm, values: dict[str, Any]) -> None:
    """The controller compares the entries with the annotation: rendered from the same values, they are the same."""
    rendered = helm.render(values)
    for kind in CONFIGURATION_KINDS:
        found = rendered.one(kind, "tiergate")
        released = json.loads(found["metadata"]["annotations"]["tiergate.io/webhooks"])
        assert released == found["webhooks"]
        assert deviation(read_registration(kind, json.dumps(found).encode())) == ""


def test_a_handover_follows_the_values(helm: Helm) -> None:
    """On by default; switched off the controller hands back what an earlier one handed over."""
    for values, expected in (
        ({}, ["--handover-after=15", "--handover-back-after=30"]),
        (
            {"handover": {"enabled": False, "after": 20, "backAfter": 60}},
            ["--no-handover", "--handover-after=20", "--handover-back-after=60"],
        ),
    ):
        (container,) = helm.render(values).one("Deployment", "tiergate-controller")["spec"]["template"]["spec"][
            "containers"
        ]
        assert [arg for arg in container["args"] if "handover" in arg] == expected
