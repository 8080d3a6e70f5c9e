"""The plugin: its manifest has krew's documented fields, and what the archive holds runs."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

import jsonschema
import pytest

from tests import krew
from tests.ci import page
from tests.ci.action import write_modules

FILLED: Final = {"type": "string", "minLength": 1}
REQUIREMENT: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["key", "operator"],
    "properties": {
        "key": {"enum": ["os", "arch"]},
        "operator": {"enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
        "values": {"type": "array", "items": FILLED},
    },
}
PLATFORM: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["uri", "sha256", "bin", "selector"],
    "properties": {
        "uri": {"type": "string", "pattern": r"^https://.*\.(zip|tar\.gz)$"},
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "bin": FILLED,
        "selector": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"matchExpressions": {"type": "array", "items": REQUIREMENT}},
        },
        "files": {"type": "array"},
    },
}
MANIFEST: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "krew.googlecontainertools.github.com/v1alpha2"},
        "kind": {"const": "Plugin"},
        "metadata": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name"],
            "properties": {"name": {"type": "string", "pattern": "^[a-z0-9-]+$"}},
        },
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "required": ["version", "shortDescription", "platforms"],
            "properties": {
                "version": {"type": "string", "pattern": r"^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$"},
                "homepage": FILLED,
                "shortDescription": {"type": "string", "maxLength": 50, "pattern": r"[^.]$"},
                "description": FILLED,
                "caveats": FILLED,
                "platforms": {"type": "array", "minItems": 1, "items": PLATFORM},
            },
        },
    },
}
"""Written from krew's guide for plugin developers; what it only recommends of texts is asked for, too."""


@pytest.mark.parametrize("url", ["https://git.example/releases/v0.1.0", "https://git.example/releases/v0.1.0/"])
def test_the_manifest_has_the_documented_fields(url: str) -> None:
    made = krew.manifest(b"archive", url)
    jsonschema.validate(made, MANIFEST)
    (platform,) = made["spec"]["platforms"]
    assert platform["uri"] == f"https://git.example/releases/v0.1.0/{krew.ARCHIVE}"
    assert platform["sha256"] == hashlib.sha256(b"archive").hexdigest()
    assert platform["bin"] == f"kubectl-{made['metadata']['name']}"


@pytest.mark.slow
def test_what_krew_unpacks_runs(tmp_path: Path) -> None:
    """By a link, as krew makes it, with a cache folder whose name has a blank; the second start installs nothing."""
    packed = krew.archive()
    assert packed == krew.archive()
    store = tmp_path / "store"
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        tar.extractall(store, filter="data")
    program = tmp_path / "kubectl-tiergate"
    program.symlink_to(store / "kubectl-tiergate")
    folder = tmp_path / "repository"
    folder.mkdir()
    page.write(folder, green=False)
    write_modules(folder, tmp_path / "stolen")
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "a cache"), "TIERGATE_PYTHON": sys.executable}
    command = [str(program), "check", "--tiers", "tiers.yaml", "--usage", "none", "deploy"]
    said = []
    for _ in range(2):
        ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
        if re.search(r"Could not find a version|ConnectionError|Max retries", ran.stderr):
            pytest.skip(f"pip finds no package index: {ran.stderr[-300:]}")
        assert (ran.returncode, ran.stdout) == (1, page.COMMANDS[0].partition("\n")[2]), ran.stderr
        said.append(ran.stderr)
    assert said[0].startswith("kubectl tiergate: installing once into ")
    assert said[1] == ""
    assert not (tmp_path / "stolen").exists()


def test_an_old_python_is_told(tmp_path: Path) -> None:
    ran = subprocess.run(
        [krew.LAUNCHER, "check"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TIERGATE_PYTHON": "false"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 2
    assert "needs Python 3.11 or later; TIERGATE_PYTHON names one" in ran.stderr
    assert not list(tmp_path.iterdir())
