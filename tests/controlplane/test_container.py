from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.controlplane.api import Object
from tests.controlplane.container import (
    ContainerConfigError,
    Source,
    command,
    environment,
    expand,
    own_usage_port,
    rewrite,
)

FOLDERS = {"/etc/tls": "/run/a", "/etc/tls/extra": "/run/b", "/tmp": "/run/t"}  # noqa: S108 - mount paths
SECRETS: Mapping[str, Mapping[str, bytes]] = {"keys": {"a": b"1"}}
POD: Object = {
    "metadata": {"name": "web-1", "namespace": "shop", "uid": "u1", "labels": {"app": "web"}},
    "spec": {"nodeName": "node-1", "serviceAccountName": "robot"},
}


def a_source() -> Source:
    return Source(pod=POD, address="127.65.1.9", secret=SECRETS.get, config_map=lambda _: None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("$(A)/$(B)", "1/2", id="names"),
        pytest.param("$(C)", "$(C)", id="unknown-name-stays"),
        pytest.param("$$(A)", "$(A)", id="escaped"),
        pytest.param("$A ${A}", "$A ${A}", id="shell-syntax-is-not-ours"),
        pytest.param("$$$(A)", "$1", id="escaped-dollar-before-a-name"),
    ],
)
def test_variables_are_expanded_as_kubernetes_does(text: str, expected: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("/etc/tls", "/run/a", id="whole"),
        pytest.param("--dir=/etc/tls/tls.crt", "--dir=/run/a/tls.crt", id="below-after-a-flag"),
        pytest.param("/etc/tls/extra/x", "/run/b/x", id="longest-mount-wins"),
        pytest.param("/etc/tls-old /etc/tlsx /var/etc/tls", "/etc/tls-old /etc/tlsx /var/etc/tls", id="others-stay"),
        pytest.param("/etc/tls:/tmp", "/run/a:/run/t", id="a-list-of-paths"),
        pytest.param("https://host/etc/tls", "https://host/etc/tls", id="the-path-of-a-url-stays"),
    ],
)
def test_mount_paths_become_folders(text: str, expected: str) -> None:
    assert rewrite(text, FOLDERS) == expected


def test_the_environment_holds_fields_and_keys_and_earlier_variables() -> None:
    container: Object = {
        "env": [
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "WHO", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
            {"name": "URL", "value": "http://$(IP):80"},
            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "a"}}},
            {"name": "NONE", "valueFrom": {"configMapKeyRef": {"name": "x", "key": "y", "optional": True}}},
        ]
    }
    assert environment(container, a_source(), {"PATH": "/bin"}) == {
        "PATH": "/bin",
        "IP": "127.65.1.9",
        "WHO": "shop",
        "APP": "web",
        "URL": "http://127.65.1.9:80",
        "KEY": "1",
    }


@pytest.mark.parametrize(
    "container",
    [
        pytest.param({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.mood"}}}]}, id="field"),
        pytest.param({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "x", "key": "y"}}}]}, id="secret"),
        pytest.param({"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {}}}]}, id="source"),
        pytest.param({"envFrom": []}, id="env-from"),
    ],
)
def test_what_cannot_be_resolved_holds_the_container(container: Object) -> None:
    with pytest.raises(ContainerConfigError):
        environment(container, a_source(), {})


def test_the_entrypoint_of_the_image_is_tiergate_unless_the_container_has_a_command() -> None:
    container: Object = {"args": ["serve", "--tls-dir=/etc/tls"], "env": [{"name": "TMPDIR", "value": "/tmp"}]}  # noqa: S108
    base = {"HOME": "/tmp/home"}  # noqa: S108 - it is true of this machine, so it stays
    result = command(container, a_source(), base=base, folders=FOLDERS, usage_port=1)
    assert result.arguments == ("tiergate", "serve", "--tls-dir=/run/a")
    assert result.environment == {"HOME": "/tmp/home", "TMPDIR": "/run/t"}  # noqa: S108
    container["command"] = ["python", "-V"]
    result = command(container, a_source(), base={}, folders=FOLDERS, usage_port=1)
    assert result.arguments == ("python", "-V", "serve", "--tls-dir=/run/a")


@pytest.mark.parametrize("words", [("serve", "--usage-port", "9444", "-x"), ("serve", "--usage-port=9444", "-x")])
def test_the_usage_port_is_the_pods_own(words: tuple[str, ...]) -> None:
    """Pods share one loopback interface here; in a cluster each has its own."""
    assert "41000" in "".join(own_usage_port(words, 41000))
    assert "9444" not in "".join(own_usage_port(words, 41000))
    assert own_usage_port(words, 41000)[-1] == "-x"
