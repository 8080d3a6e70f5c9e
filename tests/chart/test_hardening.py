"""Every pod of the chart, whatever kind of object it comes from and whatever is switched on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chart.helm import VALUES_FILES, Helm, Object, RefusedError, Rendered
from tests.chart.switches import POD, VARIANTS

pytestmark = pytest.mark.helm

# Whose process speaks to the API server. The preflight asks nobody, so it gets no token.
WITH_TOKEN = {
    "tiergate-webhook",
    "tiergate-controller",
    "tiergate-crds",
    "tiergate-uninstall",
    "tiergate-verify",
}
WITHOUT_TOKEN = {"tiergate-preflight"}
VALUES = pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS)


def pods(rendered: Rendered) -> Iterator[tuple[str, Object]]:
    """Yield (name of the owner, pod spec) of everything that has or is a pod."""
    for item in rendered.everything:
        spec = item.get("spec", {})
        match item["kind"]:
            case "Pod":
                yield item["metadata"]["name"], spec
            case "CronJob":
                yield item["metadata"]["name"], spec["jobTemplate"]["spec"]["template"]["spec"]
            case _ if "template" in spec:
                yield item["metadata"]["name"], spec["template"]["spec"]


def containers(pod: Object) -> list[Any]:
    return [*pod.get("initContainers", ()), *pod["containers"]]


@VALUES
def test_there_are_these_pods_only(helm: Helm, values: dict[str, Any]) -> None:
    """A new pod is a decision: it gets a token or none here, and all the rest below."""
    rendered = helm.render(values, *VALUES_FILES["both"])
    assert sorted(name for name, _ in pods(rendered)) == sorted(WITH_TOKEN | WITHOUT_TOKEN)


@VALUES
def test_no_pod_can_change_itself_or_its_node(helm: Helm, values: dict[str, Any]) -> None:
    """Read-only root, no capability, no privilege, the runtime's seccomp profile, an unprivileged user and group."""
    for name, pod in pods(helm.render(values, *VALUES_FILES["both"])):
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert min(pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) > 0
        assert not pod.keys() & {"hostPID", "hostIPC", "hostUsers", "shareProcessNamespace"}
        assert bool(pod.get("hostNetwork")) == (
            name == "tiergate-webhook" and values.get("webhook", {}).get("hostNetwork", False)
        )
        for container in containers(pod):
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert not context.keys() & {"privileged", "procMount", "seccompProfile", "runAsUser"}


@VALUES
def test_only_memory_can_be_written(helm: Helm, values: dict[str, Any]) -> None:
    """No volume of the node, and the one that is writable is small and in memory."""
    for name, pod in pods(helm.render(values, *VALUES_FILES["both"])):
        kinds = {volume["name"]: next(iter(volume.keys() - {"name"})) for volume in pod["volumes"]}
        assert set(kinds.values()) <= {"emptyDir", "projected", "secret", "configMap"}, name
        for volume in pod["volumes"]:
            assert volume.get("emptyDir", {"medium": "Memory", "sizeLimit": "16Mi"}) == {
                "medium": "Memory",
                "sizeLimit": "16Mi",
            }
        for container in containers(pod):
            for mount in container["volumeMounts"]:
                assert mount.get("readOnly") is True or kinds[mount["name"]] == "emptyDir", name


@VALUES
def test_a_token_is_only_where_one_is_needed(helm: Helm, values: dict[str, Any]) -> None:
    """Never mounted automatically; projected, short-lived and read-only where the process calls the API server."""
    rendered = helm.render(values, *VALUES_FILES["both"])
    for name, pod in pods(rendered):
        assert pod["automountServiceAccountToken"] is False, name
        sources = [each for volume in pod["volumes"] for each in volume.get("projected", {}).get("sources", ())]
        tokens = [each["serviceAccountToken"] for each in sources if "serviceAccountToken" in each]
        assert len(tokens) == (name in WITH_TOKEN), name
        assert pod["serviceAccountName"] == name  # never `default`, which somebody may have granted something
        assert all(token["expirationSeconds"] <= 3607 for token in tokens)
    for item in rendered.everything:
        if item["kind"] == "ServiceAccount":
            assert item["automountServiceAccountToken"] is False


@VALUES
def test_every_container_says_what_it_needs(helm: Helm, values: dict[str, Any]) -> None:
    """Requests for the scheduler and a bound of memory; and no environment of other Services."""
    for name, pod in pods(helm.render(values, *VALUES_FILES["both"])):
        assert pod["enableServiceLinks"] is False, name
        for container in containers(pod):
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}, name
            assert "memory" in container["resources"]["limits"]
            assert container["imagePullPolicy"] == "IfNotPresent"


def test_what_is_set_for_pods_reaches_each_of_them(helm: Helm) -> None:
    """The same keys for webhook, controller and hooks; nothing that the chart sets itself goes."""
    own, found = (
        dict(pods(helm.render(values, *VALUES_FILES["both"])))
        for values in (None, {"webhook": POD, "controller": POD, "hooks": POD})
    )
    assert found.keys() == own.keys()
    for name, pod in found.items():
        for field in ("affinity", "dnsConfig", "dnsPolicy", "nodeSelector", "runtimeClassName", "tolerations"):
            assert pod[field] == POD[field], name
        (container,), (before,) = containers(pod), containers(own[name])
        assert container["env"] == before["env"] + POD["extraEnv"]
        assert container["volumeMounts"] == before["volumeMounts"] + POD["extraVolumeMounts"]
        assert pod["volumes"] == own[name]["volumes"] + POD["extraVolumes"]


@pytest.mark.parametrize("key", ["extraEnv", "extraVolumes"])
@pytest.mark.parametrize("component", ["webhook", "controller", "hooks"])
def test_a_name_that_the_chart_sets_itself_is_refused(helm: Helm, component: str, key: str) -> None:
    """The API server would refuse it, or take the last one of two: in a pod that nobody then understands."""
    taken = {"extraEnv": "TMPDIR", "extraVolumes": "tmp"}[key]
    with pytest.raises(RefusedError, match=rf"{component}\.{key}: the chart itself sets {taken}"):
        helm.render({component: {key: [{"name": taken}]}})
