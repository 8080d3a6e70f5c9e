"""Who keeps the webhook's certificate: our controller, cert-manager, or whoever installs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.helm import NAMESPACE, RELEASE, Helm, RefusedError, Rendered
from tests.chart.test_rbac import grants

pytestmark = pytest.mark.helm

EXISTING = {"certificates": {"mode": "existingSecret", "existingSecret": "theirs"}}
CERT_MANAGER: dict[str, Any] = {"certificates": {"mode": "certManager"}}


def served(rendered: Rendered) -> str:
    """Return the Secret that the webhook mounts."""
    (name,) = [volume["secret"]["secretName"] for volume in rendered.pod("webhook")["volumes"] if "secret" in volume]
    return str(name)


def told(rendered: Rendered) -> list[str]:
    args: list[str] = rendered.container("controller")["args"]
    return [arg for arg in args if arg.startswith("--external-certificate")]


def secrets(rendered: Rendered) -> dict[tuple[str, str, str], set[str]]:
    found = grants(rendered.one("Role", "tiergate-controller"))
    return {key: verbs for key, verbs in found.items() if key[1] == "secrets"}


def test_by_default_it_is_ours(helm: Helm) -> None:
    rendered = helm.render()
    assert served(rendered) == "tiergate-webhook-tls"
    assert told(rendered) == []
    assert "cert-manager.io" not in rendered.text


@pytest.mark.parametrize(
    ("values", "secret"),
    [(EXISTING, "theirs"), (CERT_MANAGER, "tiergate-webhook-tls")],
    ids=["existing", "cert-manager"],
)
def test_an_external_certificate_is_served_and_only_read(helm: Helm, values: dict[str, Any], secret: str) -> None:
    """The controller may read that one Secret and make none: it publishes the CA and leaves the rest alone."""
    rendered = helm.render({**values, "monitoring": {"serviceMonitor": {"enabled": True}}})
    assert served(rendered) == secret
    assert told(rendered) == [f"--external-certificate={secret}"]
    assert secrets(rendered) == {("", "secrets", secret): {"get"}}
    (endpoint,) = rendered.one("ServiceMonitor", "tiergate-webhook")["spec"]["endpoints"]
    assert endpoint["tlsConfig"]["ca"]["secret"]["name"] == secret


@pytest.mark.parametrize("values", [{}, EXISTING, CERT_MANAGER])
def test_a_replica_starts_once_its_pair_is_issued(helm: Helm, values: dict[str, Any]) -> None:
    """A volume that is mounted without the pair would be read again a minute later only (ADR 9)."""
    (tls,) = [volume["secret"] for volume in helm.render(values).pod("webhook")["volumes"] if "secret" in volume]
    assert [item["key"] for item in tls["items"]] == ["tls.crt", "tls.key"]
    assert not tls.get("optional")


def test_lifetimes_reach_the_controller_and_the_wait_both(helm: Helm) -> None:
    lives = {"caDuration": "48h", "duration": "90m"}
    rendered = helm.render({"certificates": {"controller": lives, "settleSeconds": 7}})
    assert {"--ca-duration=48h", "--certificate-duration=90m", "--settle=7s"} <= set(
        rendered.container("controller")["args"]
    )
    assert "--settle=7s" in rendered.container("webhook")["args"]


def test_cert_manager_signs_with_a_ca_of_the_charts_own(helm: Helm) -> None:
    rendered = helm.render(CERT_MANAGER)
    assert rendered.names("Issuer") == {"tiergate-self-signed", "tiergate-ca"}
    authority = rendered.one("Certificate", "tiergate-ca")["spec"]
    assert authority["isCA"] is True
    assert authority["issuerRef"] == {"kind": "Issuer", "name": "tiergate-self-signed"}
    assert rendered.one("Issuer", "tiergate-ca")["spec"]["ca"]["secretName"] == authority["secretName"]
    assert authority["secretName"] != served(rendered)
    leaf = rendered.one("Certificate", "tiergate-webhook")["spec"]
    assert leaf["secretName"] == served(rendered)
    assert leaf["issuerRef"] == {"kind": "Issuer", "name": "tiergate-ca"}
    assert leaf["dnsNames"][0] == f"tiergate-webhook.{NAMESPACE}.svc"
    assert (leaf["duration"], leaf["renewBefore"]) == ("2160h", "720h")


def test_helm_can_take_cert_managers_secret_over(helm: Helm) -> None:
    """In the mode `controller` that Secret is an object of the chart, and Helm takes only what says whose it is."""
    leaf = helm.render(CERT_MANAGER).one("Certificate", "tiergate-webhook")["spec"]
    own = helm.render().one("Secret", leaf["secretName"])["metadata"]
    template = leaf["secretTemplate"]
    assert template["labels"] == {"app.kubernetes.io/managed-by": own["labels"]["app.kubernetes.io/managed-by"]}
    assert template["annotations"] == {
        "meta.helm.sh/release-name": RELEASE,
        "meta.helm.sh/release-namespace": NAMESPACE,
    }


def test_cert_manager_signs_with_an_issuer_that_is_there(helm: Helm) -> None:
    issuer = {"kind": "ClusterIssuer", "name": "platform"}
    rendered = helm.render({"certificates": {"mode": "certManager", "certManager": {"issuerRef": issuer}}})
    assert rendered.names("Issuer") == set()
    assert rendered.names("Certificate") == {"tiergate-webhook"}
    assert rendered.one("Certificate", "tiergate-webhook")["spec"]["issuerRef"] == issuer


def test_with_cainjector_the_controller_may_not_change_webhooks(helm: Helm) -> None:
    rendered = helm.render({"certificates": {"mode": "certManager", "certManager": {"cainjector": True}}})
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        annotations = rendered.one(kind, "tiergate")["metadata"]["annotations"]
        assert annotations["cert-manager.io/inject-ca-from"] == f"{NAMESPACE}/tiergate-webhook"
    rights = grants(rendered.one("ClusterRole", "tiergate-controller"))
    changed = {key: verbs for key, verbs in rights.items() if "admissionregistration" in key[0]}
    assert set(map(frozenset, changed.values())) == {frozenset({"get", "list", "watch"})}
    # Without that right it can neither hand over nor take back.
    assert {"--ca-injected", "--no-handover"} <= set(rendered.container("controller")["args"])
    assert "--ca-injected" not in helm.render(CERT_MANAGER).container("controller")["args"]


@pytest.mark.parametrize(
    ("certificates", "named"),
    [
        ({"mode": "existingSecret"}, "certificates.existingSecret: names the Secret when certificates.mode is"),
        ({"existingSecret": "theirs"}, "certificates.existingSecret: has no meaning while certificates.mode is"),
        ({"certManager": {"cainjector": True}}, "certificates.certManager.cainjector: has no meaning while"),
        ({"mode": "cert-manager"}, "/certificates/mode"),
        ({"mode": "certManager", "certManager": {"duration": "90d"}}, "/certificates/certManager/duration"),
        ({"controller": {"duration": "90d"}}, "/certificates/controller/duration"),
        ({"settleSeconds": 601}, "/certificates/settleSeconds"),
        ({"mode": "certManager", "certManager": {"issuerRef": {"names": "a"}}}, "names"),
    ],
)
def test_a_wrong_value_is_refused_and_named(helm: Helm, certificates: dict[str, Any], named: str) -> None:
    with pytest.raises(RefusedError) as refused:
        helm.render({"certificates": certificates})
    assert named in str(refused.value)
