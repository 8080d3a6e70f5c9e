"""A cluster that somebody gave us is left alone when it is in use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.controlplane import cluster
from tests.controlplane.binaries import ControlPlaneError


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubeconfig, and a kubectl and helm that write down what they are asked; returns the folder of answers."""
    for name in ("kubectl", "helm"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/asked\ncat {tmp_path}/answer\n')
        program.chmod(0o755)
    (tmp_path / "answer").touch()
    (tmp_path / "config").write_text(json.dumps({"kind": "Config"}))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    return tmp_path


@pytest.mark.parametrize(
    "present",
    ["namespace/prod", "namespace/tiergate-system", "customresourcedefinition.apiextensions.k8s.io/tiers.tiergate.io"],
)
def test_a_cluster_in_use_is_left_alone(theirs: Path, present: str) -> None:
    (theirs / "answer").write_text(f"namespace/default\n{present}\n")
    with pytest.raises(ControlPlaneError, match="is in use"), cluster.opened(print):
        pytest.fail("it was used")
    assert "delete" not in (theirs / "asked").read_text()
    assert "uninstall" not in (theirs / "asked").read_text()


@pytest.mark.parametrize("keep", [False, True])
def test_a_cluster_of_the_user_is_left_as_it_was_unless_it_is_kept(theirs: Path, *, keep: bool) -> None:
    (theirs / "answer").write_text("namespace/default\n")
    with cluster.opened(lambda _: None, keep=keep):
        pass
    asked = (theirs / "asked").read_text()
    assert ("helm uninstall tiergate" in asked) is not keep
    assert ("kubectl delete namespace" in asked) is not keep


def test_the_source_that_the_user_names_comes_first(theirs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTER", "kind")
    assert str(theirs / "config") in cluster.source()
    assert cluster.missing() == ()
    monkeypatch.delenv("KUBECONFIG")
    assert cluster.source() == "a new kind cluster"
    monkeypatch.delenv("CLUSTER")
    assert cluster.source() == "a control plane of our own"
