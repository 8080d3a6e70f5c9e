"""`make gitops` opens no port to others where it can."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.controlplane import binaries
from tests.gitops import __main__ as command


class BecamePytestError(Exception):
    """Raised where the process would be replaced."""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What make gitops ends with; nothing is built."""
    become: list[str] = []

    def replaced(name: str, line: Sequence[str]) -> None:
        become.extend(line)
        raise BecamePytestError(name)

    monkeypatch.setattr(binaries, "main", lambda _: 0)
    monkeypatch.setattr(command, "source_of", lambda *_: Path())
    monkeypatch.setattr(os, "execvp", replaced)
    for name in ("KUBECONFIG", "CLUSTER", "TIERGATE_REQUIRE_CLUSTER"):
        monkeypatch.setenv(name, "")
    return become


def test_the_tests_have_a_loopback_device_only() -> None:
    if reason := command.why_not_alone():
        pytest.skip(reason)
    code = "import socket; s = socket.create_server(('127.64.1.1', 0)); print([n for _, n in socket.if_nameindex()])"
    ran = subprocess.run(command.alone((sys.executable, "-c", code)), capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("['lo']\n", "")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("CLUSTER", "kind", "because the cluster is outside (kind)"),
        ("PATH", "/nowhere", "because there is no unshare, ip to give the tests a network of their own"),
    ],
)
def test_where_there_can_be_none_the_first_line_says_so(
    name: str,
    value: str,
    reason: str,
    run: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BecamePytestError):
        command.main()
    assert capsys.readouterr().out.splitlines()[0].endswith(reason)
    assert tuple(run) == command.TESTS


def test_one_that_is_refused_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "unshare").write_text(
        "#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n"
    )
    (tmp_path / "unshare").chmod(0o755)
    for name in ("KUBECONFIG", "CLUSTER"):
        monkeypatch.delenv(name, raising=False)
    assert (command.why_not_alone() or "").endswith("(unshare: unshare failed: Operation not permitted)")


def test_a_network_of_its_own_is_taken_where_there_can_be_one(run: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "why_not_alone", lambda: None)
    with pytest.raises(BecamePytestError):
        command.main()
    assert tuple(run) == command.alone(command.TESTS)
