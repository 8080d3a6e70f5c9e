"""`certificates.mode` changed by real Helms: who owns which Secret, and what a handover has to do with it.

cert-manager itself is played: its kinds exist, and its Secret is written as its Certificate asks for.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.chart.helm import ENVIRONMENTS
from tests.cluster.by_hand import certs
from tests.cluster.outage import FAIL, HANDED_OVER, bring_back, kill_all, policies
from tests.cluster.releases import HELMS, Release, through
from tests.cluster.test_certificate_owners import an_authority
from tests.cluster.test_external_certificate import signed_by
from tests.controlplane.cluster import NAMESPACE, Cluster, Say, until
from tiergate_certs.bundle import serving_data
from tiergate_certs.rotate import SERVING_NAME

pytestmark = [pytest.mark.cluster, pytest.mark.long]

TIMING = (
    "controller.leaderElection.leaseDurationSeconds=5",
    "controller.leaderElection.renewDeadlineSeconds=3",
    "controller.leaderElection.retryPeriodSeconds=1",
    "handover.after=5",
    "handover.backAfter=5",
)
CERT_MANAGER: dict[str, Any] = {"certificates": {"mode": "certManager"}}
CAINJECTOR: dict[str, Any] = {"certificates": {"mode": "certManager", "certManager": {"cainjector": True}}}


def definition(kind: str) -> dict[str, Any]:
    """Return a kind of cert-manager's that takes everything."""
    plural, anything = f"{kind.lower()}s", {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"openAPIV3Schema": anything}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.cert-manager.io"},
        "spec": {
            "group": "cert-manager.io",
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


@pytest.fixture(scope="module", params=HELMS)
def release(request: pytest.FixtureRequest, bare_cluster: Cluster, say: Say) -> Iterator[Release]:
    """A release that never had a certificate but cert-manager's."""
    cluster = through(request.param, bare_cluster, say)
    cluster = replace(cluster, chart_values=(*cluster.chart_values, *TIMING))
    for kind in ("Certificate", "Issuer"):
        cluster.apply(definition(kind))
        cluster.kubectl(f"wait --for=condition=Established crd/{kind.lower()}s.cert-manager.io --timeout=30s")
    release = Release(cluster, (ENVIRONMENTS,))
    release.install(CERT_MANAGER)
    issue(cluster)
    release.until_in_force()
    yield release
    release.remove_all()


def issue(cluster: Cluster) -> None:
    """Write the Secret that the Certificate asks for."""
    template = cluster.kubectl(f"get certificate tiergate-webhook -n {NAMESPACE} -o json").json["spec"][
        "secretTemplate"
    ]
    noted = {"cert-manager.io/certificate-name": "tiergate-webhook", "cert-manager.io/issuer-name": "tiergate-ca"}
    authority = an_authority()
    data = serving_data(signed_by(authority), trusted=authority.certificate)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": SERVING_NAME,
            "namespace": NAMESPACE,
            "labels": {**template["labels"], "controller.cert-manager.io/fao": "true"},
            "annotations": {**template["annotations"], **noted},
        },
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }
    flags = "--server-side --force-conflicts --field-manager=cert-manager-certificates-issuing"
    cluster.kubectl(f"apply {flags} -f -", stdin=json.dumps(secret))


def test_the_mode_is_changed_there_and_back_without_taking_ownership(release: Release) -> None:
    """cert-manager's Secret becomes the controller's, which then rotates it, and cert-manager's again."""
    cluster = release.cluster
    refused = certs(cluster, "rotate")
    assert (refused.returncode, "cmctl renew" in refused.stderr) == (1, True), refused
    for _ in range(2):
        release.upgrade()
        release.until_in_force()
        until(
            lambda: "kept by   the controller" in certs(cluster, "status").stdout, "the controller keeps it", seconds=40
        )
        asked = certs(cluster, "rotate")
        assert (asked.returncode, asked.stderr) == (0, "")
        until(lambda: certs(cluster, "status").returncode == 0, "every entry trusts the certificate", seconds=40)
        release.upgrade(CERT_MANAGER)
        issue(cluster)
        until(lambda: certs(cluster, "status").returncode == 0, "every entry trusts cert-manager's", seconds=60)
        assert "kept by   cert-manager" in certs(cluster, "status").stdout
        release.until_in_force()


def test_while_it_is_handed_over_the_right_to_take_it_back_is_not_given_away(release: Release) -> None:
    """Cainjector's mode is refused by name, changes nothing, and is taken when replicas are back."""
    cluster = release.cluster
    kill_all(cluster)
    until(lambda: policies(cluster) == HANDED_OVER, "it is handed over", seconds=60)
    refused = release.attempt("upgrade", CAINJECTOR, "--no-hooks")
    assert refused.code != 0, policies(cluster)
    assert "certificates.certManager.cainjector: the webhook is handed over" in refused.err
    assert policies(cluster) == HANDED_OVER
    bring_back(cluster)
    until(lambda: policies(cluster) == FAIL, "it is handed back", seconds=60)
    release.upgrade(CAINJECTOR)
    assert policies(cluster) == FAIL
