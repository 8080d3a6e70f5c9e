"""The commands on a real API server, as accounts that may read all, or their own namespace alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.check.running import Folder, Ran
from tests.commands.running import Program
from tests.controlplane.cluster import Cluster, until
from tests.docs.values import ROOT

pytestmark = pytest.mark.cluster

READER: Final = "tiergate-reader"
RBAC: Final = "rbac.authorization.k8s.io"
TEAM_RULES: Final = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}]


def documented_role() -> dict[str, Any]:
    """Return the ClusterRole that the documentation says is enough."""
    text = (ROOT / "docs/commands.md").read_text()
    (found,) = re.findall(r"```yaml\n(apiVersion: rbac.*?)```", text, re.DOTALL)
    role: dict[str, Any] = yaml.safe_load(found)
    return role


def bound(account: str, namespace: str, *, role: Mapping[str, Any], whole_cluster: bool) -> list[dict[str, Any]]:
    """Return an account, its role and what binds them."""
    kind = "ClusterRole" if whole_cluster else "Role"
    where = {} if whole_cluster else {"namespace": namespace}
    metadata = {"name": account, **where}
    version = f"{RBAC}/v1"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": namespace}},
        {**role, "apiVersion": version, "kind": kind, "metadata": metadata},
        {
            "apiVersion": version,
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": {"apiGroup": RBAC, "kind": kind, "name": account},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        },
    ]


def kubeconfig(cluster: Cluster, account: str, namespace: str, file: Path, *, plugin: bool = False) -> str:
    """Write a kubeconfig of an account, with its token or a plugin that says it."""
    token = cluster.kubectl(f"create token {account} -n {namespace}").out.strip()
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    user: dict[str, Any] = {"token": token}
    if plugin:
        version = "client.authentication.k8s.io/v1"
        credential = {"apiVersion": version, "kind": "ExecCredential", "status": {"token": token}}
        command = {"command": "echo", "args": [json.dumps(credential)], "interactiveMode": "Never"}
        user = {"exec": {"apiVersion": version, **command}}
    named = {"cluster": config["clusters"][0]["name"], "user": "reader"}
    contexts = [{"name": "as-reader", "context": named}]
    file.write_text(
        yaml.safe_dump(
            {**config, "contexts": contexts, "users": [{"name": "reader", "user": user}], "current-context": ""}
        )
    )
    return str(file)


@pytest.fixture
def tiergate(capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(capsys)


@pytest.fixture
def reader(cluster: Cluster, namespace: str) -> Iterator[str]:
    """An account with the rights that the documentation asks for, and those of the usage of pods."""
    role = documented_role()
    role["rules"].append({"apiGroups": [""], "resources": ["pods", "persistentvolumeclaims"], "verbs": ["get", "list"]})
    name = f"{READER}-{namespace}"
    cluster.apply(*bound(name, namespace, role=role, whole_cluster=True))
    yield name
    cluster.kubectl(f"delete clusterrole,clusterrolebinding {name}")


def deployment(namespace: str, replicas: int) -> dict[str, Any]:
    container = {
        "name": "agent",
        "image": "registry.example/agent:1.0",
        "env": [{"name": "PASSWORD", "value": "nobody-may-see-this"}],
        "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "200m"}},
    }
    template = {"metadata": {"labels": {"app": "agent"}}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "agent"}}, "template": template}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "agent", "namespace": namespace},
        "spec": spec,
    }


def uses(cluster: Cluster, namespace: str, pods: int) -> bool:
    quota = cluster.kubectl(f"get resourcequota tier -n {namespace} -o json").json
    return bool(quota["status"]["used"]["pods"] == str(pods))


def of_cpu(ran: Ran) -> tuple[str, str]:
    (namespace,) = ran.report["namespaces"]
    (found,) = [one for one in namespace["quotas"] if one["resource"] == "requests.cpu"]
    return found["used"], found["steady"]


def test_a_reader_s_check_is_that_of_a_snapshot_and_of_the_cluster(
    tiergate: Program, folder: Folder, cluster: Cluster, namespace: str, reader: str
) -> None:
    """What runs is 3 pods of a Deployment, which the change set replaces, and one more."""
    pod = {**deployment(namespace, 1)["spec"]["template"]["spec"]}
    lone = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lone", "namespace": namespace}, "spec": pod}
    cluster.apply(deployment(namespace, 3), lone)
    until(lambda: uses(cluster, namespace, 4), "4 pods", seconds=60)
    folder.write(
        {"a.yaml": yaml.safe_dump(deployment(namespace, 5)), "b.yaml": yaml.safe_dump(deployment(namespace, 21))}
    )
    config = ("--kubeconfig", kubeconfig(cluster, reader, namespace, folder.path / "config", plugin=True))
    context = (*config, "--context", "as-reader")
    snapshot = tiergate("snapshot", *context)
    assert (snapshot.code, snapshot.err) == (0, "")
    assert "nobody-may-see-this" not in snapshot.out
    assert {"Secret", "ConfigMap", "Pod"}.isdisjoint(one["kind"] for one in yaml.safe_load_all(snapshot.out))
    folder.write({"cluster.yaml": snapshot.out})
    for words in (("--usage", "cluster", *context), ("--usage", "cluster.yaml")):
        ran = tiergate("check", *words, "-o", "json", "a.yaml")
        assert (ran.code, ran.err, of_cpu(ran)) == (0, "", ("100m", "500m"))
        assert tiergate("check", *words, "b.yaml").code == 1
    ran = tiergate("usage", *context, "-n", namespace)
    assert (ran.code, ran.err, "really" in ran.out) == (0, "", False)
    assert re.search(r"most \S+: deployment agent \S+ \(3\), pod lone ", ran.out)
    ran = tiergate("adopt", *context)
    assert (ran.code in (0, 1), "not read" in ran.err) == (True, False)
    assert "it is in tier dev already" in ran.err


def test_a_team_that_may_read_its_namespace_is_told_what_it_may_not(
    tiergate: Program, folder: Folder, cluster: Cluster, namespace: str
) -> None:
    cluster.apply(*bound("team", namespace, role={"rules": TEAM_RULES}, whole_cluster=False))
    folder.write({"a.yaml": yaml.safe_dump(deployment(namespace, 1))})
    config = ("--kubeconfig", kubeconfig(cluster, "team", namespace, folder.path / "config"), "--context", "as-reader")
    ran = tiergate("check", "--usage", "cluster", *config, "-o", "json", "a.yaml")
    assert ran.code == 0
    assert "Tier dev: 403" in ran.err
    assert [one["outcome"] for one in ran.report["objects"]] == ["unproved"]
    tiers = cluster.kubectl("get tiers -o yaml").out
    folder.write({"tiers.yaml": tiers})
    report = tiergate("check", "--usage", "cluster", *config, "--tiers", "tiers.yaml", "-o", "json", "a.yaml").report
    assert [one["outcome"] for one in report["objects"]] == ["pass"]


def test_defaults_are_what_the_server_stores(
    tiergate: Program, folder: Folder, cluster: Cluster, namespace: str
) -> None:
    spec = {"containers": [{"name": "agent", "image": "registry.example/agent:1.0"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": namespace}, "spec": spec}
    folder.write({"a.yaml": yaml.safe_dump(pod), "tiers.yaml": cluster.kubectl("get tiers -o yaml").out})
    stored = cluster.run("kubectl create --dry-run=server -o json -f -", stdin=json.dumps(pod)).json
    made = yaml.safe_load(tiergate("defaults", "--tiers", "tiers.yaml", "--tier", "dev", "a.yaml").out)
    assert made["metadata"]["annotations"] == stored["metadata"]["annotations"]
    assert made["spec"]["containers"][0]["resources"] == stored["spec"]["containers"][0]["resources"]


def test_a_cluster_that_is_away_is_no_answer(tiergate: Program, folder: Folder, cluster: Cluster) -> None:
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    folder.write({"config": yaml.safe_dump(config), "a.yaml": yaml.safe_dump(deployment("x", 1))})
    ran = tiergate("check", "--usage", "cluster", "--kubeconfig", "config", "a.yaml")
    assert (ran.code, ran.out) == (4, "")
    assert "cannot be reached" in ran.err


def test_kubectl_finds_it_as_a_plugin_and_completes_it(folder: Folder, cluster: Cluster, namespace: str) -> None:
    folder.write({"a.yaml": yaml.safe_dump(deployment(namespace, 1))})
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def kubectl(*words: str) -> subprocess.CompletedProcess[str]:
        command, environment = [cluster.programs["kubectl"], *words], {**cluster.environment, "PATH": path}
        return subprocess.run(command, env=environment, cwd=folder.path, capture_output=True, text=True)

    ran = kubectl("tiergate", "check", "--usage", "cluster", "a.yaml")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("1 object, 1 file: 1 pass, 0 fail, 0 warning, 0 unproved\n")
    assert kubectl("__complete", "tiergate", "check", "--fail-on", "w").stdout.split() == ["warning", ":4"]
