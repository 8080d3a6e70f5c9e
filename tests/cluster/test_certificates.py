from __future__ import annotations

import base64
import json
import ssl

import pytest

from tests.cluster.by_hand import certs
from tests.cluster.objects import a_pod
from tests.cluster.replicas import replicas
from tests.controlplane.cluster import NAMESPACE, Cluster, until

pytestmark = pytest.mark.cluster
SECRET = "tiergate-webhook-tls"


def _stored(cluster: Cluster) -> str:
    data = cluster.kubectl(f"get secret {SECRET} -n {NAMESPACE} -o json").json.get("data", {})
    return base64.b64decode(data.get("tls.crt", "")).decode()


def _serves_what_is_stored(cluster: Cluster, *, not_before: str) -> bool:
    stored = _stored(cluster)
    leaf = stored.partition(ssl.PEM_FOOTER)[0].strip()
    served = {each.certificate().partition(ssl.PEM_FOOTER)[0].strip() for each in replicas(cluster)}
    return stored not in {"", not_before} and served == {leaf}


def _admits(cluster: Cluster, namespace: str) -> bool:
    result = cluster.run(f"kubectl create -n {namespace} --dry-run=server -f -", stdin=json.dumps(a_pod("asks")))
    return result.code == 0


def _enforcing(cluster: Cluster) -> str:
    path = "{.status.conditions[?(@.type=='Enforcing')].message}"
    return cluster.kubectl(f'get tier dev -o jsonpath="{path}"').out


def test_a_deleted_secret_is_told_of_and_filled_when_it_is_there_again(cluster: Cluster, namespace: str) -> None:
    """The controller may not create it. A new pair is served without a restart, and the API server trusts it."""
    before, restarts = _stored(cluster), [each.restarts for each in replicas(cluster)]
    manifest = cluster.kubectl(f"get secret {SECRET} -n {NAMESPACE} -o json").json
    cluster.kubectl(f"delete secret {SECRET} -n {NAMESPACE}")
    until(lambda: "helm upgrade restores it" in _enforcing(cluster), "the tier says that the Secret is missing")
    kept = {name: manifest["metadata"][name] for name in ("name", "labels", "annotations")}
    cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": kept}, namespace=NAMESPACE)
    until(lambda: _serves_what_is_stored(cluster, not_before=before), "every replica serves the new certificate")
    until(lambda: _admits(cluster, namespace), "the API server trusts the new certificate")
    assert [each.restarts for each in replicas(cluster)] == restarts


def test_a_spoilt_pair_is_never_served(cluster: Cluster, namespace: str) -> None:
    """With a key that is none, the replicas go on with the pair they have until the controller has made another."""
    before, restarts = _stored(cluster), [each.restarts for each in replicas(cluster)]
    patch = {"data": {"tls.key": base64.b64encode(b"no key").decode()}}
    cluster.kubectl(f"patch secret {SECRET} -n {NAMESPACE} -p '{json.dumps(patch)}'")
    until(lambda: _serves_what_is_stored(cluster, not_before=before), "every replica serves the new certificate")
    until(lambda: _admits(cluster, namespace), "the API server trusts the new certificate")
    assert [each.restarts for each in replicas(cluster)] == restarts


@pytest.mark.parametrize(
    "what",
    [
        pytest.param((), id="certificate", marks=pytest.mark.long),
        pytest.param(("--ca",), id="ca"),
        pytest.param(("--distrust",), id="distrust", marks=pytest.mark.long),
    ],
)
def test_another_certificate_is_asked_for_and_comes(cluster: Cluster, namespace: str, what: tuple[str, ...]) -> None:
    """The command says that all is good, asks, and says so again; a CA that is distrusted is gone from caBundle."""
    before = _stored(cluster)
    asked = certs(cluster, "rotate", *what)
    assert (asked.returncode, asked.stderr) == (0, "")
    until(lambda: _serves_what_is_stored(cluster, not_before=before), "every replica serves the new certificate")
    until(lambda: certs(cluster, "status").returncode == 0, "every entry trusts the new certificate")
    until(lambda: _admits(cluster, namespace), "the API server trusts the new certificate")
    bundle = cluster.kubectl("get mutatingwebhookconfiguration tiergate -o json").json["webhooks"][0]["clientConfig"]
    trusted = base64.b64decode(bundle["caBundle"]).count(b"BEGIN CERTIFICATE")
    assert trusted == 1 if what == ("--distrust",) else trusted >= 1
