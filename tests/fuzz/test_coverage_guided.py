"""The fuzzer under atheris, where it is installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.fuzz import coverage_guided


@pytest.mark.process
@pytest.mark.skipif(not coverage_guided.installed(), reason="atheris is optional: pip install atheris")
def test_a_short_guided_run_finds_nothing(tmp_path: Path) -> None:
    """The worker runs its executions and reports them."""
    result = coverage_guided.fuzz(executions=1000, seed=1, keep=tmp_path)
    assert result.findings == {}
    assert result.executions == 1000
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_dies_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash below Python ends the worker: the run fails and says so."""
    worker = tmp_path / "worker"
    report = json.dumps({"executions": 7, "ways": 1, "outcomes": {}, "findings": {}})
    worker.write_text(f"#!/bin/sh\necho '{report}' > \"$5\"\nexit 77\n")
    worker.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(worker))
    result = coverage_guided.fuzz(executions=10, seed=1, keep=tmp_path)
    assert result.executions == 7
    assert list(result.findings.values()) == ["the worker ended with 77"]
