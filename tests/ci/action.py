"""Runs the shell steps of action.yml as GitHub's runner does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.docs.values import ROOT

ACTION: Final[dict[str, Any]] = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS: Final[dict[str, dict[str, Any]]] = {step["name"]: step for step in ACTION["runs"]["steps"]}
PROGRAM: Final = Path(sys.executable).with_name("tiergate")
_VALUE: Final = re.compile(r"\$\{\{ (inputs|github)\.([a-z_-]+) \}\}")


class Runner:
    """A runner with a folder for the repository and one for what is temporary."""

    def __init__(self, folder: Path, *, programs: Path | None = None) -> None:
        """Take an empty folder; ``programs`` come before those of the machine."""
        self.workspace, self.temporary = folder / "workspace", folder / "runner temp"
        self.workspace.mkdir()
        self.temporary.mkdir()
        self._programs = programs
        self._github = {
            "action_path": str(ROOT),
            "action_repository": "platform/tiergate",
            "action_ref": "v0.1.0",
            "token": "made-by-github",
        }

    def has_tiergate(self) -> None:
        """Put what the first step installs where it does: the program of this environment."""
        place = self.temporary / "tiergate/bin"
        place.mkdir(parents=True)
        (place / "tiergate").symlink_to(PROGRAM)

    def run(self, name: str, inputs: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a step with these inputs, the others by default."""
        step = STEPS[name]
        assert step["shell"] == "bash"
        filled = {key: str(one.get("default", "")) for key, one in ACTION["inputs"].items()} | dict(inputs)
        assert filled.keys() == ACTION["inputs"].keys()
        script = self.temporary / "script.sh"
        script.write_text(step["run"])
        path = os.environ["PATH"] if self._programs is None else f"{self._programs}:{os.environ['PATH']}"
        environment = {
            **{
                key: value
                for key, value in os.environ.items()
                if key.startswith(("PIP_", "PYTHONPATH", "HOME", "LANG"))
            },
            "PATH": path,
            "RUNNER_TEMP": str(self.temporary),
            "GITHUB_OUTPUT": str(self.temporary / "output"),
            "GITHUB_SERVER_URL": "https://git.example",
            "GITHUB_REPOSITORY": "team/agents",
            "GITHUB_SHA": "0123abc",
            "GITHUB_REF": "refs/pull/7/merge",
            **{key: self._filled(value, filled) for key, value in step["env"].items()},
        }
        command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)]
        return subprocess.run(command, cwd=self.workspace, env=environment, capture_output=True, text=True, timeout=300)

    @property
    def outputs(self) -> dict[str, str]:
        """What steps wrote as outputs."""
        lines = (self.temporary / "output").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def _filled(self, text: str, inputs: Mapping[str, str]) -> str:
        values = {"inputs": inputs, "github": self._github}
        filled = _VALUE.sub(lambda one: values[one[1]][one[2]], text)
        return _VALUE.sub(lambda one: values[one[1]][one[2]], filled)  # an input may default to an expression


def write_modules(folder: Path, sign: Path) -> None:
    """Write modules whose names Python looks for, as a pull request may bring them; each leaves a sign if it runs."""
    for name in ("venv", "pip", "ensurepip", "tiergate", "yaml", "msgspec", "site", "runpy", "argparse"):
        package = folder / name
        package.mkdir()
        (package / "__init__.py").write_text(f"open({str(sign)!r}, 'w').close()\n")
