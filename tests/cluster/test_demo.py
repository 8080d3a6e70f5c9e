"""The demo as a process: it ends by itself, in order, also when it is stopped or cannot start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.controlplane.cluster import REPOSITORY, until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the built control plane is for Linux")


@contextmanager
def a_demo(folder: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run the demo with its temporary files in the folder, which marks all it starts."""
    own = {"TMPDIR": str(folder), "KUBECONFIG": "", "CLUSTER": "", "KEEP": "", **environment}
    command = [sys.executable, "-m", "tests.controlplane.demo"]
    with subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env={**os.environ, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _processes_of(folder: Path) -> list[str]:
    """Return the command lines of the processes that know of the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and str(folder).encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # ended meanwhile, or another user's
            continue
    return found


def _wait_for(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if text in line:
            return
    pytest.fail(f"the demo ended without {text!r}:\n{''.join(said)}")


@pytest.mark.cluster
@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, id="SIGINT"),
        pytest.param(signal.SIGTERM, id="SIGTERM", marks=pytest.mark.long),
        pytest.param(signal.SIGKILL, id="SIGKILL", marks=pytest.mark.long),
    ],
)
def test_a_stopped_demo_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    """In the middle of the story, with webhook and controller running; the whole foreground group gets Ctrl-C."""
    with a_demo(tmp_path) as process:
        _wait_for(process, "== 3/10")
        assert any("tiergate serve" in command for command in _processes_of(tmp_path))
        os.killpg(process.pid, number)
        code = process.wait(30)
        assert code == (130 if number != signal.SIGKILL else -signal.SIGKILL)
        until(lambda: not _processes_of(tmp_path), "no process is left", seconds=20)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        pytest.param(
            {"XDG_CACHE_HOME": "{folder}", "KUBEBUILDER_ASSETS": "", "PATH": "{folder}"}, "no `go` in PATH", id="no-go"
        ),
        pytest.param({"CLUSTER": "kind", "PATH": "{folder}"}, "CLUSTER=kind needs `kind` in PATH", id="no-kind"),
        pytest.param({"KUBECONFIG": "{folder}/none"}, "There is no file", id="no-kubeconfig"),
        pytest.param({"CLUSTER": "minikube"}, "CLUSTER=minikube is not known", id="unknown-cluster"),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(tmp_path: Path, environment: dict[str, str], sentence: str) -> None:
    filled = {name: value.format(folder=tmp_path) for name, value in environment.items()}
    with a_demo(tmp_path, **filled) as process:
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert sentence in said
    assert "Traceback" not in said
    assert "KUBECONFIG=" in said or "CLUSTER=kind" in said
