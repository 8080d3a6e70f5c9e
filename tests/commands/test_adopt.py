"""``tiergate adopt``: what it writes and tells of a cluster, of hostile text and of missing rights."""

from __future__ import annotations

import json
from typing import Any, Final

import jsonschema
import pytest
import yaml

from tests.chart.helm import CHART
from tests.check.running import Folder, Ran
from tests.commands.cluster import FakeCluster
from tests.commands.running import Program
from tests.differential.policies import Json
from tiergate.cluster.client import ApiError

LIMITS: Final[Json] = {"type": "Container", "max": {"cpu": "500m"}, "default": {"cpu": "250m"}}
COMPUTE: Final = {"limits.cpu": "4", "pods": "20", "services": "3"}
HOSTILE: Final = "x\n---\nkind: ClusterRoleBinding\n\x1b[31m$(reboot)'\"`;\u202e"


def namespace(cluster: FakeCluster, name: str, **labels: str) -> None:
    cluster.put(f"/api/v1/namespaces/{name}", {"metadata": {"labels": labels}})


def limit_range(cluster: FakeCluster, space: str, name: str, *items: Json, **metadata: Any) -> None:  # noqa: ANN401 - JSON
    path = f"/api/v1/namespaces/{space}/limitranges/{name}"
    cluster.put(path, {"metadata": metadata, "spec": {"limits": list(items)}})


def quota(cluster: FakeCluster, space: str, name: str, hard: Json, **metadata: Any) -> None:  # noqa: ANN401 - JSON
    path = f"/api/v1/namespaces/{space}/resourcequotas/{name}"
    cluster.put(path, {"metadata": metadata, "spec": {"hard": hard}, "status": {"hard": hard, "used": {}}})


@pytest.fixture
def teams(cluster: FakeCluster) -> FakeCluster:
    """A cluster with two namespaces of the same bounds, one of others, and some that no tier may govern."""
    for name in ("team-a", "team-b", "prod", "kube-system", "tiergate-system"):
        namespace(cluster, name)
        quota(cluster, name, "compute", COMPUTE)
    for name in ("team-a", "team-b"):
        limit_range(cluster, name, "limits", LIMITS)
    return cluster


def documents(ran: Ran) -> list[Any]:
    return list(yaml.safe_load_all(ran.out))


def members(ran: Ran) -> dict[str, str]:
    found = [one["metadata"] for one in documents(ran) if one["kind"] == "Namespace"]
    return {one["name"]: one["labels"]["tiergate.io/tier"] for one in found}


def test_tiers_come_first_then_the_namespaces_with_their_label(tiergate: Program, teams: FakeCluster) -> None:
    ran = tiergate("adopt")
    assert ran.code == 0
    assert [one["kind"] for one in documents(ran)] == ["Tier", "Tier", "Namespace", "Namespace", "Namespace"]
    assert members(ran) == {"prod": "prod", "team-a": "team", "team-b": "team"}
    assert documents(ran)[1]["spec"] == {
        "enforcement": "Warn",
        "limits": [{**LIMITS, "defaultRequest": {"cpu": "250m"}}],
        "quotas": [{"name": "compute", "hard": COMPUTE}],
    }
    assert all(one.startswith("GET ") and "secrets" not in one for one in teams.asked)


@pytest.mark.usefixtures("teams")
def test_it_can_be_labels_or_values_of_the_chart(tiergate: Program) -> None:
    assert (
        tiergate("adopt", "-o", "labels").out.splitlines()[1] == "kubectl label namespace team-a tiergate.io/tier=team"
    )
    values = yaml.safe_load(tiergate("adopt", "-o", "values", "--enforcement", "Audit").out)
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    jsonschema.validate({**defaults, **values}, json.loads((CHART / "values.schema.json").read_text()))
    assert values["namespaces"] == {"prod": {"tier": "prod"}, "team-a": {"tier": "team"}, "team-b": {"tier": "team"}}
    assert {one["spec"]["enforcement"] for one in values["tiers"].values()} == {"Audit"}
    assert values["createNamespaces"] is False


def test_a_second_run_goes_on_with_the_tiers_of_the_first(tiergate: Program, teams: FakeCluster) -> None:
    for one in documents(tiergate("adopt")):
        if one["kind"] == "Tier":
            teams.put(f"/apis/tiergate.io/v1alpha1/tiers/{one['metadata']['name']}", one)
    namespace(teams, "team-a", **{"tiergate.io/tier": "team"})
    ran = tiergate("adopt")
    assert [one["kind"] for one in documents(ran)] == ["Namespace", "Namespace"]
    assert members(ran) == {"prod": "prod", "team-b": "team"}
    assert "tier team, which exists in mode Warn: 1 namespace, team-b" in ran.err


@pytest.mark.usefixtures("teams")
def test_output_and_report_go_to_files(tiergate: Program, folder: Folder) -> None:
    ran = tiergate("adopt", "-n", "prod", "--output-file", "tiers.yaml", "--report", "report.txt")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert (folder.path / "tiers.yaml").read_text().startswith("apiVersion: tiergate.io/v1alpha1\n")
    assert "tier prod: 1 namespace" in (folder.path / "report.txt").read_text()
    ran = tiergate("adopt", "--output-file", "no/such/file")
    assert (ran.code, ran.err.splitlines()[-1]) == (2, "tiergate adopt: no/such/file: No such file or directory")


@pytest.mark.usefixtures("teams")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--name", "team-a"), "is not NAMESPACE=TIER"),
        (("--name", "team-a=No Name"), "is not NAMESPACE=TIER"),
        (("--name", "none=x"), "none is not among the namespaces"),
        (("--name", "prod=dev"), "a tier dev exists already"),
    ],
)
def test_a_name_that_cannot_be_given_is_wrong_usage(tiergate: Program, words: tuple[str, ...], said: str) -> None:
    ran = tiergate("adopt", *words)
    assert (ran.code, ran.out, said in ran.err) == (2, "", True)


@pytest.mark.usefixtures("teams")
def test_names_are_given(tiergate: Program) -> None:
    assert members(tiergate("adopt", "--name", "team-b=agents", "--name", "prod=live")) == {
        "prod": "live",
        "team-a": "agents",
        "team-b": "agents",
    }


def test_the_report_tells_who_is_left_alone(tiergate: Program, teams: FakeCluster) -> None:
    namespace(teams, "dying")
    teams.get("/api/v1/namespaces/dying")["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    quota(teams, "dying", "compute", COMPUTE)
    ran = tiergate("adopt", "-n", "none", *(word for name in ("dev", "kube-system", "dying") for word in ("-n", name)))
    assert (ran.code, ran.out) == (1, "")
    assert "dev: it is in tier dev already" in ran.err
    assert "kube-system: no tier may govern it" in ran.err
    assert "dying: it is being deleted" in ran.err
    assert "none: there is no such namespace" in ran.err
    assert members(tiergate("adopt", "--release-namespace", "prod")).keys() == {"team-a", "team-b", "tiergate-system"}


def test_what_stands_there_is_judged_as_a_check_would(tiergate: Program, teams: FakeCluster) -> None:
    teams.deployment("large", replicas=1, cpu="400m", namespace="team-a")
    teams.get("/apis/apps/v1/namespaces/team-a/deployments/large")["spec"]["template"]["spec"]["containers"][0][
        "resources"
    ] = {"limits": {"cpu": "2"}}
    teams.deployment("many", replicas=30, namespace="team-b")
    teams.pod("lone", cpu="600m", namespace="team-b")
    teams.pod("made", cpu="700m", namespace="team-b", owner=("ReplicaSet", "large-5d4"))
    made = teams.get("/api/v1/namespaces/team-b/pods/made")["metadata"]["ownerReferences"][0]
    made["apiVersion"] = "apps/v1"
    teams.pod("ended", cpu="600m", namespace="team-b")
    teams.get("/api/v1/namespaces/team-b/pods/ended")["status"]["phase"] = "Succeeded"
    err = tiergate("adopt").err
    assert "refused  deployment large in team-a: no pod of it can run" in err
    assert "refused  pod lone in team-b: " in err
    assert "namespace team-b: what runs there asks limits.cpu 15600m of 4; pods 31 of 20" in err
    assert "pod made" not in err
    assert "pod ended" not in err
    teams.forbidden = {"/apis/apps/v1"}
    err = tiergate("adopt").err
    assert "refused  pod made in team-b: " in err  # nobody knows what made it
    assert "Deployment objects in prod, team-a, team-b: 403" in err


def test_the_report_tells_in_which_order_native_objects_go(tiergate: Program, teams: FakeCluster) -> None:
    quota(teams, "prod", "tier", {"resourcequotas": "2"}, labels={"app.kubernetes.io/managed-by": "Helm"})
    owner = {"apiVersion": "capsule.example/v1", "kind": "Tenant", "name": "oil", "controller": True}
    limit_range(teams, "prod", "capsule-0", LIMITS, ownerReferences=[owner])
    lines = [line.strip() for line in tiergate("adopt").err.splitlines()]
    metadata, spec = {"name": "tier-before-tiers"}, {"hard": {"resourcequotas": "2"}}
    copy = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": spec}
    body = json.dumps(copy, separators=(",", ":"))
    order = [
        f"printf %s '{body}' | kubectl create -n $n -f - &&",  # the old one stays if its copy is refused
        "kubectl wait resourcequota tier-before-tiers -n $n --for=jsonpath='{.status.used}' --timeout=60s &&",
        "kubectl delete resourcequota -n $n tier",
        """kubectl patch tier $t --type=merge -p '{"spec":{"enforcement":"Enforce"}}'""",
        "kubectl wait tier $t --for=condition=Ready --timeout=120s",
        "kubectl wait tier $t --for=condition=Enforcing --timeout=120s",
        "kubectl delete resourcequota -n $n compute tier-before-tiers",
        "kubectl delete limitrange -n $n capsule-0",
    ]
    assert [line for line in lines if line in order] == order
    assert "for n in team-a team-b; do" in lines
    notes = [line for line in lines if line.endswith("[prod]")]
    assert [words for words in ("Helm", "Tenant oil", "allows 2 resourcequotas") if any(words in one for one in notes)]
    assert len(notes) == 3


APPLY: Final = "kubectl apply --server-side -f FILE"
UPGRADE: Final = "helm upgrade RELEASE CHART --namespace tiergate-system --reuse-values --values FILE"
LABEL: Final = "kubectl label namespace team-a team-b tiergate.io/tier=team"
PATCH: Final = "kubectl patch tier $t"


@pytest.mark.usefixtures("teams")
@pytest.mark.parametrize(
    ("output", "steps"),
    [
        pytest.param("manifests", [APPLY, PATCH], id="manifests"),
        pytest.param("labels", ["as -o manifests or -o values writes them: prod, team", "sh FILE", PATCH], id="labels"),
        pytest.param("values", [UPGRADE, LABEL, "enforcement: Enforce", UPGRADE], id="values"),
    ],
)
def test_the_steps_are_those_of_the_output(tiergate: Program, output: str, steps: list[str]) -> None:
    every = (*dict.fromkeys((APPLY, UPGRADE, LABEL, PATCH, "sh FILE", "as -o manifests", *steps)),)
    order = tiergate("adopt", "-o", output).err.partition("  1. ")[2].splitlines()
    assert [one for line in order for one in every if one in line and one != "as -o manifests"] == steps


@pytest.mark.usefixtures("teams")
@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("manifests", "kubectl apply --server-side -f 'my tiers.yaml': "),
        ("labels", "sh 'my tiers.yaml': "),
        ("values", "--reuse-values --values 'my tiers.yaml'"),
    ],
)
def test_the_steps_name_the_file_that_is_written(tiergate: Program, folder: Folder, output: str, line: str) -> None:
    err = tiergate("adopt", "-o", output, "--output-file", "my tiers.yaml").err
    assert (folder.path / "my tiers.yaml").is_file()
    assert (line in err, "FILE" in err) == (True, False)


def test_labels_need_no_step_for_tiers_that_exist(tiergate: Program, teams: FakeCluster) -> None:
    for one in documents(tiergate("adopt")):
        if one["kind"] == "Tier":
            teams.put(f"/apis/tiergate.io/v1alpha1/tiers/{one['metadata']['name']}", one)
    err = tiergate("adopt", "-o", "labels").err
    assert "sh FILE: " in err
    assert "create the tiers" not in err


@pytest.mark.parametrize(
    ("forbidden", "adopted", "told"),
    [
        pytest.param({"/api/v1/limitranges"}, {"prod", "team-a", "team-b"}, "", id="namespace-by-namespace"),
        pytest.param(
            {"/api/v1/limitranges", "/api/v1/namespaces/prod/limitranges"},
            {"team-a", "team-b"},
            "prod: its LimitRange objects cannot be read",
            id="bounds-of-a-namespace",
        ),
        pytest.param({"/apis/tiergate.io"}, {"prod", "team-a", "team-b"}, "Tier objects: 403", id="tiers"),
        pytest.param({"/api/v1/nodes"}, {"prod", "team-a", "team-b"}, "Node objects: 403", id="nodes"),
        pytest.param({"/api/v1/namespaces"}, set(), "Namespace objects: 403", id="namespaces"),
    ],
)
def test_what_may_not_be_read_is_told_and_never_taken_for_absent(
    tiergate: Program, teams: FakeCluster, forbidden: set[str], adopted: set[str], told: str
) -> None:
    teams.forbidden = forbidden
    ran = tiergate("adopt")
    assert ran.code == (0 if adopted else 1)
    assert set(members(ran)) == adopted
    assert (told in ran.err) if told else "403" not in ran.err


def test_a_cluster_without_tiergate_has_no_tiers(tiergate: Program, teams: FakeCluster) -> None:
    teams.refuse["GET tiers"] = ApiError(404, "NotFound", "the server could not find the requested resource")
    ran = tiergate("adopt")
    assert (ran.code, "not read" in ran.err, "Tier objects" in ran.err) == (0, False, False)


def test_a_cluster_that_does_not_answer_has_an_exit_code(tiergate: Program, teams: FakeCluster) -> None:
    teams.away = True
    ran = tiergate("adopt")
    assert (ran.code, ran.out, ran.err) == (4, "", "tiergate adopt: no answer in time\n")


def test_hostile_text_of_tenants_stays_text(tiergate: Program, teams: FakeCluster) -> None:
    """Neither the shell, nor the terminal, nor the reader of YAML is told anything by it."""
    for name in ("team-a", "team-b"):
        namespace(teams, name, env=HOSTILE, team="true")
    namespace(teams, HOSTILE)
    quota(teams, HOSTILE, "compute", COMPUTE)
    quota(
        teams, "prod", HOSTILE, {HOSTILE: "1", "requests.cpu": "1e3"}, labels={"app.kubernetes.io/managed-by": HOSTILE}
    )
    limit_range(
        teams, "prod", HOSTILE, {"type": HOSTILE, "max": {HOSTILE: "1"}}, {"type": "Pod", "max": {HOSTILE: "1"}}
    )
    teams.deployment("x", replicas=30, namespace="prod")
    ran = tiergate("adopt")
    assert ran.code == 0
    assert {one["kind"] for one in documents(ran)} == {"Tier", "Namespace"}
    assert members(ran) == {"prod": "prod", "team-a": "true", "team-b": "true"}
    for text in (ran.out, ran.err, tiergate("adopt", "-o", "labels").out, tiergate("adopt", "-o", "values").out):
        assert all(line.isprintable() for line in text.splitlines())
        assert not [line for line in text.splitlines() if line.startswith(("---\nkind", "kind: ClusterRole"))]
    hard = [quota["hard"] for quota in documents(ran)[0]["spec"]["quotas"]]
    assert hard == [COMPUTE, {"requests.cpu": "1e3"}]


@pytest.mark.parametrize("amount", ["much", {"a": 1}, ["1"], None, "1e2000", -1])
def test_an_object_that_cannot_be_read_leaves_its_namespace_alone(
    tiergate: Program, teams: FakeCluster, amount: object
) -> None:
    """Nobody knows what bounds it then; null is zero and what is negative bounds nothing."""
    limit_range(teams, "prod", "odd", {"type": "Container", "min": {"cpu": amount}})
    ran = tiergate("adopt")
    assert ran.code == 0
    read = amount in (None, -1)
    assert ("prod" in members(ran)) == read
    assert ("LimitRange odd cannot be read" in ran.err) != read


def test_the_number_of_requests_does_not_grow_with_the_cluster(tiergate: Program, teams: FakeCluster) -> None:
    for number in range(40):
        namespace(teams, f"n-{number}")
        quota(teams, f"n-{number}", "compute", {"pods": str(number % 3 + 1)})
    assert len(members(tiergate("adopt"))) == 43
    assert len(teams.asked) < 20
