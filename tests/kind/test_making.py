"""What must hold before and after kind works; no cluster is made."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.image import archive, builders, building
from tests.image.builders import Builder
from tests.image.building import REPOSITORY, Built
from tests.image.test_archive import a_tar, an_image
from tests.kind import connections, making, versions
from tests.kind.making import KindError
from tests.teams import matrix
from tests.teams.matrix import Probe
from tiergate.core.quantity import Quantity
from tiergate.core.release import NEWEST

OLDEST_OF_CHART = re.compile(r">=\s*1\.(\d+)\.0-0")


def test_every_supported_minor_has_a_node_image_with_digest() -> None:
    chart = yaml.safe_load((REPOSITORY / "charts/tiergate/Chart.yaml").read_text())
    oldest = OLDEST_OF_CHART.fullmatch(chart["kubeVersion"])
    assert oldest is not None, chart["kubeVersion"]
    assert list(versions.RELEASES) == [f"1.{minor}" for minor in range(int(oldest[1]), NEWEST + 1)]
    for minor, release in versions.RELEASES.items():
        assert re.fullmatch(rf"kindest/node:v{re.escape(minor)}\.\d+@sha256:[0-9a-f]{{64}}", release.image)
    assert list(versions.RELEASES)[-1] == versions.NEWEST


def test_the_workflow_runs_every_supported_minor() -> None:
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/e2e.yaml").read_text())
    (job,) = (each for each in workflow["jobs"].values() if "strategy" in each)
    assert job["strategy"]["matrix"]["kubernetes"] == list(versions.RELEASES)


def test_every_image_of_the_story_is_there() -> None:
    """Also those in commands: a node could pull none of them."""
    found = making.images_of_story()
    assert {"registry.example/agent-api:1.0", "registry.example/filler:1.0", "registry.example/busybox:1.37"} <= set(
        found
    )


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("KUBERNETES", "1.35")
    with (
        pytest.raises(KindError, match=r"go install sigs.k8s.io/kind@v0.31.0"),
        making.made(print, image="a", keep=False),
    ):
        pytest.fail("there is no kind")
    monkeypatch.setenv("KUBERNETES", "1.33")
    with (
        pytest.raises(KindError, match=r"KUBERNETES=1.33 is not supported: one of 1.34"),
        making.made(print, image="a", keep=False),
    ):
        pytest.fail("it is not supported")


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kind that writes down what it is asked and fails at what the file `fails` names, and an image of one file."""
    program, log = tmp_path / "kind", tmp_path / "asked"
    program.write_text(f'#!/bin/sh\necho "$1 $2 $3" >> {log}\n[ "$1 $2" != "$(cat {tmp_path}/fails)" ]\n')
    program.chmod(0o755)
    (tmp_path / "fails").touch()
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("KUBERNETES", raising=False)
    file = an_image(tmp_path / "image.tar", a_tar({"file": b""}), config={"Entrypoint": ["tiergate"]})
    built = Built(Builder("docker"), "tiergate:dev", file, archive.read(file))
    monkeypatch.setattr(builders, "find", lambda _: built.builder)
    monkeypatch.setattr(building, "build", lambda *_, **__: built)
    return log


@pytest.mark.parametrize("keep", [False, True])
def test_a_cluster_is_ended_unless_it_is_kept(asked: Path, *, keep: bool) -> None:
    with making.made(lambda _: None, image="tiergate:dev", keep=keep) as kubeconfig:
        assert kubeconfig.parent.is_dir()
    deleted = [line for line in asked.read_text().splitlines() if line.startswith("delete cluster --name=tiergate-")]
    assert (len(deleted), kubeconfig.parent.exists()) == ((0, True) if keep else (1, False))


def test_a_cluster_that_cannot_be_filled_is_ended(asked: Path) -> None:
    asked.with_name("fails").write_text("load image-archive")
    with (
        pytest.raises(KindError, match=r"`kind load image-archive .*` ended with 1"),
        making.made(lambda _: None, image="tiergate:dev", keep=False),
    ):
        pytest.fail("it was given out")
    assert "delete cluster" in asked.read_text()


def test_a_pod_stands_in_every_place_that_is_a_namespace() -> None:
    assert set(connections.pods_wanted(matrix.WITH_ENVIRONMENTS)) == {*matrix.GOVERNED, matrix.STRANGER, matrix.PROD}


@pytest.mark.parametrize("values", ["environments", "teams"])
def test_the_pod_fits_every_tier(values: str) -> None:
    """A pod that its tier refuses would be no probe."""
    amounts = connections.pod("any", "image")["spec"]["containers"][0]["resources"]["limits"]
    tiers = yaml.safe_load((REPOSITORY / f"charts/tiergate/values/{values}.yaml").read_text())["tiers"]
    for name, tier in tiers.items():
        (item,) = (each for each in tier["spec"]["limits"] if each["type"] == "Container")
        for resource, amount in amounts.items():
            texts = (item["min"][resource], amount, item["max"][resource])
            lowest, asked, highest = (Quantity.parse(text).nano for text in texts)
            assert lowest <= asked <= highest, f"{name}: {resource}"


def test_what_differs_is_named() -> None:
    opens = Probe("a", "b", 1, is_open=True, because="it must", protocol="TCP")
    closed = Probe("a", "c", 1, is_open=False, because="it must not", protocol="UDP")
    assert connections.wrong({opens: True, closed: False}) == []
    assert connections.wrong({opens: False, closed: True}) == [
        "a->b:1/TCP is closed, but it must",
        "a->c:1/UDP is open, but it must not",
    ]


def test_the_prober_finds_what_listens() -> None:
    """Both programs as they run in pods, on an address of this machine that nothing else uses."""
    address, ports = "127.94.17.3", ["18090", "18091"]
    command = [sys.executable, *connections.pod("x", "image")["spec"]["containers"][0]["command"][1:3], address, *ports]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listener:
        try:
            assert listener.stdout is not None
            assert listener.stdout.readline() == "listening\n"
            wanted = [(address, int(port), protocol) for port in (*ports, "18092") for protocol in ("TCP", "UDP")]
            line = shlex.split(connections.prober_line("x", wanted))
            done = subprocess.run([sys.executable, *line[6:]], capture_output=True, text=True, check=True)
        finally:
            listener.kill()
    assert line[:6] == ["exec", "-n", "x", "probe", "--", "python"]
    assert json.loads(done.stdout) == [True, True, True, True, False, False]
