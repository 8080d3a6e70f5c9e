"""The pods of both components: hardened, probed, drained, and told everything by arguments."""

from __future__ import annotations

import argparse
import re

import pytest

from tests.chart.helm import Helm, Object
from tiergate.cli.main import parser

pytestmark = pytest.mark.helm

COMPONENTS = ["webhook", "controller"]
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
EXACT_DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize("component", COMPONENTS)
def test_pod_meets_the_restricted_standard(helm: Helm, component: str) -> None:
    """Pod Security `restricted`, a fixed unprivileged user, and a root file system nobody can write."""
    pod = helm.render().pod(component)
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert helm.render().container(component)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert not [volume for volume in pod["volumes"] if "hostPath" in volume]


@pytest.mark.parametrize("component", COMPONENTS)
def test_token_is_projected_and_not_automatic(helm: Helm, component: str) -> None:
    """The API credentials are a volume in plain sight, with a token that lives an hour."""
    rendered = helm.render()
    pod = rendered.pod(component)
    assert pod["automountServiceAccountToken"] is False
    assert rendered.one("ServiceAccount", f"tiergate-{component}")["automountServiceAccountToken"] is False
    (volume,) = (volume for volume in pod["volumes"] if "projected" in volume)
    token, authority, namespace = volume["projected"]["sources"]
    assert token["serviceAccountToken"] == {"path": "token", "expirationSeconds": 3607}
    assert authority["configMap"]["name"] == "kube-root-ca.crt"
    assert namespace["downwardAPI"]["items"][0]["path"] == "namespace"
    mounts = {mount["name"]: mount for mount in rendered.container(component)["volumeMounts"]}
    assert mounts[volume["name"]] == {"name": volume["name"], "mountPath": ACCOUNT, "readOnly": True}


@pytest.mark.parametrize("component", COMPONENTS)
def test_only_tmp_can_be_written(helm: Helm, component: str) -> None:
    """One small folder in memory, which TMPDIR names; everything else is read-only."""
    rendered = helm.render()
    writable = [
        mount["mountPath"] for mount in rendered.container(component)["volumeMounts"] if not mount.get("readOnly")
    ]
    assert writable == ["/tmp"]  # noqa: S108  # a path in the pod
    assert {"name": "TMPDIR", "value": "/tmp"} in rendered.container(component)["env"]  # noqa: S108
    (volume,) = (volume for volume in rendered.pod(component)["volumes"] if volume["name"] == "tmp")
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "16Mi"}


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_mount_has_its_volume_and_is_named_to_the_process(helm: Helm, component: str) -> None:
    """No path is a secret between chart and code: arguments and environment name each mount."""
    rendered = helm.render({"webhook": {"clientCA": {"configMap": "api-server-ca"}}})
    container = rendered.container(component)
    said = " ".join([*container["args"], *(item.get("value", "") for item in container["env"])])
    mounts = container["volumeMounts"]
    assert {mount["name"] for mount in mounts} == {volume["name"] for volume in rendered.pod(component)["volumes"]}
    assert not [mount["mountPath"] for mount in mounts if mount["mountPath"] not in said]


def parsed(container: Object) -> argparse.Namespace:
    """Return a container's arguments as the product reads them, the pod's address and name filled in."""
    return parser().parse_args([re.sub(r"\$\(\w+\)", "192.0.2.1", argument) for argument in container["args"]])


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_product_takes_its_arguments_and_listens_where_the_chart_says(helm: Helm, component: str) -> None:
    container = helm.render({"logLevel": "debug"}).container(component)
    told = parsed(container)
    assert told.command == {"webhook": "serve", "controller": "controller"}[component]
    assert (told.listen_address, told.log_level) == ("192.0.2.1", "debug")
    assert told.port in {port["containerPort"] for port in container["ports"]}


def test_the_timings_of_leader_election_reach_the_controller(helm: Helm) -> None:
    election = {"leaseDurationSeconds": 30, "renewDeadlineSeconds": 20, "retryPeriodSeconds": 4}
    told = parsed(helm.render({"controller": {"leaderElection": election}}).container("controller"))
    assert (told.lease_duration, told.renew_deadline, told.retry_period) == (30, 20, 4)


def test_metrics_can_be_opened(helm: Helm) -> None:
    """Without the value /metrics asks for a token."""
    opened = helm.render({"webhook": {"metrics": {"auth": False}}})
    assert "--no-metrics-auth" in opened.container("webhook")["args"]


def test_client_certificates_can_be_asked_for(helm: Helm) -> None:
    """The CA that must have signed them is a ConfigMap's key, and the server is told where it is mounted."""
    rendered = helm.render({"webhook": {"clientCA": {"configMap": "api-server-ca", "key": "bundle.pem"}}})
    assert "--client-ca=/etc/tiergate/client-ca/bundle.pem" in rendered.container("webhook")["args"]
    (volume,) = (volume for volume in rendered.pod("webhook")["volumes"] if "configMap" in volume)
    items = [{"key": "bundle.pem", "path": "bundle.pem"}]
    assert volume == {"name": "client-ca", "configMap": {"name": "api-server-ca", "items": items}}


def test_only_the_webhook_mounts_a_certificate_and_never_the_authority(helm: Helm) -> None:
    """The Secret may come later than the pod; the CA's key is in another one, mounted nowhere."""
    rendered = helm.render()
    assert "tiergate-ca" not in str(rendered.pod("webhook")) + str(rendered.pod("controller"))
    (volume,) = (volume for volume in rendered.pod("webhook")["volumes"] if "secret" in volume)
    assert volume["secret"] == {
        "secretName": "tiergate-webhook-tls",
        "items": [{"key": name, "path": name} for name in ("tls.crt", "tls.key")],
        "defaultMode": 0o440,
    }
    assert not [volume for volume in rendered.pod("controller")["volumes"] if "secret" in volume]


@pytest.mark.parametrize(("component", "scheme"), [("webhook", "HTTPS"), ("controller", "HTTP")])
def test_probes(helm: Helm, component: str, scheme: str) -> None:
    """Life and readiness are asked of the port that serves, in its own protocol."""
    container = helm.render().container(component)
    (port,) = container["ports"]
    for probe, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
        assert container[probe]["httpGet"] == {"path": path, "port": port["name"], "scheme": scheme}


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_timings_of_probes_are_values_and_what_is_asked_is_not(helm: Helm, component: str, probe: str) -> None:
    timings = {"initialDelaySeconds": 3, "periodSeconds": 7, "timeoutSeconds": 4, "failureThreshold": 9}
    before = helm.render().container(component)[probe]
    assert helm.render({component: {probe: timings}}).container(component)[probe] == before | timings
    assert "initialDelaySeconds" not in before  # the API server leaves out a 0


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_deployment_has_annotations_of_its_own(helm: Helm, component: str) -> None:
    found = helm.render({component: {"deploymentAnnotations": {"a": "b"}}}).one("Deployment", f"tiergate-{component}")
    assert found["metadata"]["annotations"] == {"a": "b"}
    assert "annotations" not in found["spec"]["template"]["metadata"]


def test_stopping_serves_on_until_endpoints_are_gone(helm: Helm) -> None:
    """The kubelet itself sleeps before SIGTERM, and the grace period holds the sleep and the requests in flight."""
    rendered = helm.render({"webhook": {"drainSeconds": 9, "terminationGracePeriodSeconds": 40}})
    assert rendered.container("webhook")["lifecycle"] == {"preStop": {"sleep": {"seconds": 9}}}
    assert rendered.pod("webhook")["terminationGracePeriodSeconds"] == 40


@pytest.mark.parametrize(("component", "replicas"), [("webhook", 3), ("controller", 2)])
def test_replicas_are_spread_and_replaced_one_by_one(helm: Helm, component: str, replicas: int) -> None:
    """Never fewer than wanted while rolling out, never two down for maintenance, not all on one node."""
    rendered = helm.render()
    spec = rendered.one("Deployment", f"tiergate-{component}")["spec"]
    assert spec["replicas"] == replicas
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    budget = rendered.one("PodDisruptionBudget", f"tiergate-{component}")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == spec["selector"]
    spread = rendered.pod(component)["topologySpreadConstraints"]
    assert [item["topologyKey"] for item in spread] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    assert all(item["labelSelector"] == spec["selector"] for item in spread)


def test_one_controller_alone_has_no_budget(helm: Helm) -> None:
    """It would hold up the drain of its node for ever."""
    rendered = helm.render({"controller": {"replicas": 1}})
    assert rendered.names("PodDisruptionBudget") == {"tiergate-webhook"}


@pytest.mark.parametrize("component", COMPONENTS)
def test_selectors_find_the_pods_of_one_component(helm: Helm, component: str) -> None:
    """Deployment and Service select their own pods and never the other component's."""
    rendered = helm.render()
    other = COMPONENTS[1 - COMPONENTS.index(component)]
    spec = rendered.one("Deployment", f"tiergate-{component}")["spec"]
    wanted = spec["selector"]["matchLabels"].items()
    assert wanted <= spec["template"]["metadata"]["labels"].items()
    labels = rendered.one("Deployment", f"tiergate-{other}")["spec"]["template"]["metadata"]["labels"]
    assert not wanted <= labels.items()


def test_service_reaches_the_webhook(helm: Helm) -> None:
    """The Service's port is a value; the entries call that port, and its target is the container's by name."""
    rendered = helm.render({"webhook": {"service": {"port": 8443}, "port": 10250}})
    service = rendered.one("Service", "tiergate-webhook")["spec"]
    selected = rendered.one("Deployment", "tiergate-webhook")["spec"]["selector"]["matchLabels"]
    assert service["selector"] == selected
    (port,) = service["ports"]
    (target,) = rendered.container("webhook")["ports"]
    assert (port["port"], port["targetPort"], target["containerPort"]) == (8443, target["name"], 10250)
    assert {entry["clientConfig"]["service"]["port"] for entry in rendered.entries().values()} == {8443}


def test_on_the_nodes_network_no_surge_pod_fights_for_the_port(helm: Helm) -> None:
    """hostNetwork: the new replica comes after the old one has freed the port."""
    rendered = helm.render({"webhook": {"hostNetwork": True}})
    assert rendered.pod("webhook")["hostNetwork"] is True
    # The loopback is the node's there, and the usage page asks nobody who they are.
    assert "--usage-port=0" in rendered.container("webhook")["args"]
    assert rendered.pod("webhook")["dnsPolicy"] == "ClusterFirstWithHostNet"
    rollout = rendered.one("Deployment", "tiergate-webhook")["spec"]["strategy"]["rollingUpdate"]
    assert rollout == {"maxSurge": 0, "maxUnavailable": 1}


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param({}, "tiergate:0.1.0", id="default"),
        pytest.param({"repository": "registry.test/a/b", "tag": "1.2"}, "registry.test/a/b:1.2", id="tag"),
        pytest.param({"tag": "1.2", "digest": EXACT_DIGEST}, f"tiergate@{EXACT_DIGEST}", id="digest-wins"),
    ],
)
def test_image(helm: Helm, image: dict[str, str], expected: str) -> None:
    """Both components run the same image."""
    rendered = helm.render({"image": image, "imagePullSecrets": [{"name": "pull"}]})
    assert {rendered.container(component)["image"] for component in COMPONENTS} == {expected}
    assert all(rendered.pod(component)["imagePullSecrets"] == [{"name": "pull"}] for component in COMPONENTS)


@pytest.mark.parametrize("component", COMPONENTS)
def test_scheduling_values_reach_the_pod(helm: Helm, component: str) -> None:
    """What a platform team sets for every workload of theirs is set here under the usual names."""
    values = {
        "nodeSelector": {"pool": "system"},
        "tolerations": [{"key": "system", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "",
        "resources": {"requests": {"cpu": "1"}},
        "podLabels": {"mesh": "off", "app.kubernetes.io/name": "mine"},
        "podAnnotations": {"example.com/a": "b"},
    }
    rendered = helm.render({component: values})
    pod = rendered.pod(component)
    metadata = rendered.one("Deployment", f"tiergate-{component}")["spec"]["template"]["metadata"]
    assert {name: pod[name] for name in ("nodeSelector", "tolerations", "affinity")} == {
        name: values[name] for name in ("nodeSelector", "tolerations", "affinity")
    }
    assert "priorityClassName" not in pod
    assert rendered.container(component)["resources"]["requests"]["cpu"] == "1"
    assert metadata["labels"].items() >= {"mesh": "off", "app.kubernetes.io/name": "tiergate"}.items()
    assert metadata["annotations"] == {"example.com/a": "b"}
