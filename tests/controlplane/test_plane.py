"""A control plane ends with whoever started it, in whatever way that ended."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane import binaries, plane
from tests.controlplane.binaries import NAMES, Binaries, ControlPlaneError
from tests.controlplane.cluster import REPOSITORY, until
from tests.controlplane.processes import marked

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the built control plane is for Linux")

STARTER = """
import json, signal, sys, time
from tests.controlplane import binaries, plane
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background ignores it
with plane.running(binaries.ensure(print), namespace="tiergate-system", keep="keep" in sys.argv) as running:
    print(json.dumps({"mark": running.mark, "pid": running.pid, "folder": str(running.folder)}), flush=True)
    while "keep" not in sys.argv:
        time.sleep(0.2)
"""


@contextmanager
def a_starter(*words: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run a process that starts a control plane; yield it and what it says of it."""
    command = [sys.executable, "-c", STARTER, *words]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        try:
            yield process, said
        finally:
            process.kill()
            process.wait()
            with suppress(ProcessLookupError):  # a kept one ends with its supervisor only
                os.kill(said["pid"], signal.SIGTERM)
            until(lambda: not tuple(marked(said["mark"])), "nothing is left", seconds=20)
            shutil.rmtree(said["folder"], ignore_errors=True)


@linux
@pytest.mark.cluster
@pytest.mark.parametrize("victim", ["starter", "supervisor"])
def test_a_kill_leaves_nothing_running(victim: str) -> None:
    with a_starter() as (process, said):
        assert len(tuple(marked(said["mark"]))) >= 6
        os.kill(process.pid if victim == "starter" else said["pid"], signal.SIGKILL)
        until(lambda: not tuple(marked(said["mark"])), "nothing is left", seconds=20)


@linux
@pytest.mark.cluster
def test_an_interrupt_ends_everything() -> None:
    with a_starter() as (process, said):
        process.send_signal(signal.SIGINT)
        process.wait(60)  # more than the control plane takes to stop on a busy machine
        assert tuple(marked(said["mark"])) == ()
        assert not Path(said["folder"]).exists()


@linux
@pytest.mark.cluster
def test_a_failure_keeps_logs_and_data_and_says_where() -> None:
    said: list[str] = []
    with (
        pytest.raises(ZeroDivisionError),
        plane.running(binaries.ensure(print), namespace="x", say=said.append) as running,
    ):
        _ = 1 / 0
    assert tuple(marked(running.mark)) == ()
    assert str(running.folder) in said[0]
    assert (running.folder / "kube-apiserver.log").stat().st_size > 0
    assert (running.folder / "etcd").is_dir()
    shutil.rmtree(running.folder)


def node_grace_seconds(mark: str) -> float:
    """Return how long the node controller that runs takes a silent node for a ready one; by default 50 s."""
    programs = (Path(f"/proc/{pid}/cmdline").read_text().split("\0") for pid in marked(mark))
    (arguments,) = (one for one in programs if one[0].endswith("/kube-controller-manager"))
    found = dict(one.lstrip("-").partition("=")[::2] for one in arguments)
    return float(found.get("node-monitor-grace-period", "50s").removesuffix("s"))


@linux
@pytest.mark.cluster
def test_a_kept_control_plane_outlives_its_starter_until_it_is_killed() -> None:
    with a_starter("keep") as (process, said):
        assert process.wait(20) == 0
        assert len(tuple(marked(said["mark"]))) >= 6
        # kwok gives a sign of life of its node every 10 minutes: who waits no longer takes the node for lost.
        assert node_grace_seconds(said["mark"]) >= 24 * 3600
        os.kill(said["pid"], signal.SIGTERM)
        until(lambda: not tuple(marked(said["mark"])), "nothing is left", seconds=20)
        until(lambda: not Path(said["folder"]).exists(), "its folder is removed")


@pytest.mark.slow
@linux
def test_a_server_that_ends_at_once_is_named_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names the server, its log, the folder that is kept, and the alternatives."""
    script = tmp_path / "server"
    script.write_text("#!/bin/sh\necho out of order; exit 3\n")
    script.chmod(0o755)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    programs, said = Binaries(dict.fromkeys(NAMES, script)), list[str]()
    with pytest.raises(ControlPlaneError) as caught, plane.running(programs, namespace="x", say=said.append):
        pytest.fail("it started")
    text = str(caught.value)
    assert "etcd ended with 3: out of order" in text
    assert binaries.ALTERNATIVES in text
    (folder,) = tmp_path.glob("tiergate-controlplane-*")
    assert str(folder) in said[-1]
    assert (folder / "etcd.log").read_text() == "out of order\n"
