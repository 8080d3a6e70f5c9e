"""``tiergate check`` in an environment with the hashed packages of requirements/check.txt and nothing else."""

from __future__ import annotations

import json
import subprocess
from typing import Any, Final

import pytest
import yaml

from tests.ci import page
from tests.ci.action import Runner
from tests.ci.test_action import workflow_inputs
from tests.corpus.test_sets import SETS
from tests.docs.values import ROOT
from tiergate.cli.check import FORMATS

BACKEND: Final = {"hatchling", "packaging", "pathspec", "pluggy", "tomlkit", "trove-classifiers"}
"""What builds the package."""

pytestmark = pytest.mark.slow


def workflow() -> dict[str, Any]:
    """Return the step of our own CI that uses the action."""
    jobs = yaml.safe_load((ROOT / ".github/workflows/check.yaml").read_text())["jobs"]
    (step,) = (one for one in jobs["base"]["steps"] if one.get("uses") == "./")
    found: dict[str, Any] = step["with"]
    return found


def test_nothing_else_is_installed(installed: Runner) -> None:
    python = str(installed.temporary / "tiergate/bin/python")
    command = [python, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    listed = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    names = {one["name"].lower() for one in listed} - {"pip", "setuptools"}
    assert names - BACKEND == {"tiergate", "msgspec", "pyyaml"}


def test_the_pull_request_of_the_page_goes_red_and_green(installed: Runner) -> None:
    page.write(installed.workspace, green=False)
    assert installed.run("Check", workflow_inputs()).stdout in page.BLOCKS
    page.write(installed.workspace, green=True)
    assert installed.run("Check", workflow_inputs()).returncode == 0


def test_every_format_is_written(installed: Runner) -> None:
    page.write(installed.workspace, green=False)
    for name in FORMATS:
        ran = installed.run("Check", {**workflow_inputs(), "format": name})
        assert (ran.returncode, ran.stderr) == (1, ""), name
        assert ran.stdout


def test_the_job_of_our_own_pipeline_passes(installed: Runner) -> None:
    inputs = workflow()
    assert inputs["paths"] == str(SETS.relative_to(ROOT))
    paths = {name: str(ROOT / inputs[name]) for name in ("paths", "tiers")}
    ran = installed.run("Check", {**inputs, **paths})
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
