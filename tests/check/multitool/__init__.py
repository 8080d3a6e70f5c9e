"""Microsoft's validator of SARIF from npm, kept in the cache folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.controlplane.binaries import cache_folder

HERE: Final = Path(__file__).parent
PINNED: Final = ("package.json", "package-lock.json")
PROGRAM: Final = Path("node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool")
PATIENCE: Final = 300
"""Seconds to fetch 35 MB."""

NOWHERE: Final = "http://127.0.0.1:9"
"""A proxy that is not there: the validator asks the network for addresses in a log, and for seconds."""
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


def program() -> Path:
    """Return the validator, fetched once by its hash; skip the test where that cannot be done."""
    if not sys.platform.startswith("linux"):
        pytest.skip(f"the validator is fetched for Linux only, this is {sys.platform}")
    key = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in PINNED)).hexdigest()[:16]
    kept = cache_folder() / f"sarif-multitool-{key}"
    if not (kept / PROGRAM).exists():
        if shutil.which("npm") is None:
            pytest.skip("npm is not installed, which fetches the validator of SARIF")
        _fetch(kept)
    return kept / PROGRAM


def _fetch(kept: Path) -> None:
    """Install beside the place and rename, so that what is there is whole. No script of a package runs."""
    making = kept.with_name(f"{kept.name}.{os.getpid()}")
    making.mkdir(parents=True)
    for name in PINNED:
        shutil.copy(HERE / name, making)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        ran = subprocess.run(command, cwd=making, capture_output=True, text=True, timeout=PATIENCE)
        if ran.returncode:
            pytest.skip(f"npm could not fetch the validator of SARIF: {ran.stderr.strip()[-300:]}")
        (making / PROGRAM).chmod(0o755)
        if not kept.exists():
            making.rename(kept)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def complaints(log: Path, found: Path) -> list[tuple[str, str]]:
    """Return rule and level of all that the validator has to say of a log; its exit code does not tell."""
    rules = ("--rule-kind=Sarif;Ghas", "--level=Error;Warning;Note")
    command = [str(program()), "validate", *rules, "--output", str(found), str(log)]
    environment = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", **dict.fromkeys(_PROXIES, NOWHERE)}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert found.exists(), ran.stdout + ran.stderr
    (run,) = json.loads(found.read_text())["runs"]
    assert run["invocations"][0]["executionSuccessful"] is True
    assert "toolExecutionNotifications" not in run["invocations"][0], run["invocations"]
    return [(one["ruleId"], one.get("level", "warning")) for one in run["results"]]
