"""The webhook serves a certificate that somebody else keeps, and the API server trusts its CA."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.chart.helm import ENVIRONMENTS
from tests.cluster.objects import a_pod
from tests.cluster.releases import Release
from tests.cluster.replicas import replicas
from tests.controlplane.cluster import NAMESPACE, Cluster, until
from tiergate_certs.bundle import serving_data
from tiergate_certs.issue import Pair, issue_authority, issue_leaf, service_names

pytestmark = pytest.mark.cluster

SECRET = "webhook-certificate"
EXISTING = {"certificates": {"mode": "existingSecret", "existingSecret": SECRET}}
SPAN = {"not_before": datetime.now(UTC) - timedelta(hours=1), "not_after": datetime.now(UTC) + timedelta(days=1)}


def signed_by(authority: Pair) -> Pair:
    return issue_leaf(authority, names=service_names(service="tiergate-webhook", namespace=NAMESPACE), **SPAN)


def keep(cluster: Cluster, leaf: Pair, *, trusted: bytes) -> None:
    """Store what the owner of the certificate keeps."""
    data = {key: base64.b64encode(value).decode() for key, value in serving_data(leaf, trusted=trusted).items()}
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": SECRET}}
    cluster.kubectl(f"apply -n {NAMESPACE} -f -", stdin=json.dumps({**secret, "data": data}))


@pytest.fixture
def release(bare_cluster: Cluster) -> Iterator[Release]:
    release = Release(bare_cluster, (ENVIRONMENTS,))
    yield release
    release.remove_all()


@pytest.mark.long
def test_an_external_certificate_is_served_trusted_and_never_written(release: Release) -> None:
    """Also when its owner moves to another CA: both are trusted for a while, then the new pair comes."""
    cluster = release.cluster
    old = issue_authority(**SPAN)
    new = issue_authority(not_before=SPAN["not_before"] + timedelta(minutes=1), not_after=SPAN["not_after"])
    leaf = signed_by(old)
    release.install(EXISTING)
    cluster.kubectl(f"wait deployment/tiergate-controller -n {NAMESPACE} --for=condition=Available --timeout=60s")
    until(lambda: "does not exist" in condition(cluster), "the tier says that there is no certificate", seconds=60)

    keep(cluster, leaf, trusted=old.certificate)
    release.until_in_force()
    assert trusted(release) == {old.certificate}
    assert admits(cluster)

    keep(cluster, leaf, trusted=old.certificate + new.certificate)
    until(lambda: trusted(release) == {old.certificate + new.certificate}, "both are trusted", seconds=60)
    following = signed_by(new)
    keep(cluster, following, trusted=old.certificate + new.certificate)
    until(lambda: served(cluster) == {first_of(following.certificate)}, "the new pair is served", seconds=60)
    assert admits(cluster)
    assert cluster.kubectl(
        f"get secrets -n {NAMESPACE} --field-selector=type!=helm.sh/release.v1 -o name"
    ).out.split() == [f"secret/{SECRET}"]
    manager = cluster.kubectl(f"get secret {SECRET} -n {NAMESPACE} -o json --show-managed-fields").json["metadata"]
    assert {each["manager"] for each in manager["managedFields"]} == {"kubectl-client-side-apply"}


def condition(cluster: Cluster) -> str:
    """Return why the tier is enforced or not."""
    path = "{.status.conditions[?(@.type=='Enforcing')].message}"
    return cluster.kubectl(f'get tier dev -o jsonpath="{path}"').out


def trusted(release: Release) -> set[bytes]:
    return {base64.b64decode(bundle) for bundle in release.bundles()}


def first_of(certificates: bytes) -> str:
    return certificates.decode().partition(ssl.PEM_FOOTER)[0].strip()


def served(cluster: Cluster) -> set[str]:
    return {first_of(each.certificate().encode()) for each in replicas(cluster)}


def admits(cluster: Cluster) -> bool:
    cluster.kubectl("create -n dev --dry-run=server -f -", stdin=json.dumps(a_pod("asks")))
    return True
