"""The action for GitHub: its steps as they are written, with inputs as people and attackers give them."""

from __future__ import annotations

import base64
import gzip
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.ci import page
from tests.ci.action import ACTION, PROGRAM, STEPS, Runner, write_modules
from tests.docs.values import ROOT
from tiergate.cli.check import FORMATS

pytestmark = pytest.mark.slow

KNOWN: Final = {"paths": "deploy", "tiers": "tiers.yaml", "arguments": "--usage=none\n"}


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A runner with the red pull request of the page, and the program installed."""
    made = Runner(tmp_path)
    made.has_tiergate()
    page.write(made.workspace, green=False)
    return made


def workflow_inputs() -> dict[str, str]:
    """Return what the workflow in docs/ci.md gives the action."""
    workflow: dict[str, Any] = yaml.safe_load(page.FILES[".github/workflows/manifests.yaml"])
    (step,) = (one for one in workflow["jobs"]["check"]["steps"] if "tiergate@" in one["uses"])
    found: dict[str, str] = step["with"]
    return found


def test_the_pull_request_of_the_page_goes_red_and_green(runner: Runner) -> None:
    red = runner.run("Check", workflow_inputs())
    assert (red.returncode, runner.outputs) == (1, {"exit-code": "1"}), red.stderr
    assert red.stdout in page.BLOCKS
    page.write(runner.workspace, green=True)
    green = runner.run("Check", workflow_inputs())
    assert (green.returncode, green.stdout) == (0, ""), green.stderr


def test_a_pull_request_that_changes_its_tier_stays_red(runner: Runner) -> None:
    """The steps of the page check it with the tiers of its base branch."""
    wide = page.FILES["tiers.yaml"].replace("memory: 512Mi", "memory: 64Gi")
    (runner.temporary / "tiers.yaml").write_text(page.FILES["tiers.yaml"])
    (runner.workspace / "tiers.yaml").write_text(wide)
    (runner.workspace / "deploy/tiers.yaml").write_text(wide)
    jobs = yaml.safe_load(page.FILES["jobs of .github/workflows/manifests.yaml"])
    base, copy, change, check = jobs["jobs"]["check"]["steps"]
    assert (base["with"]["ref"], copy["run"]) == ("${{ github.base_ref }}", 'cp tiers.yaml "$RUNNER_TEMP"')
    assert "ref" not in change["with"]  # of it nothing is there before the tiers are elsewhere: it may have links
    inputs = check["with"] | {"tiers": check["with"]["tiers"].replace("${{ runner.temp }}", str(runner.temporary))}
    ran = runner.run("Check", inputs)
    assert (ran.returncode, "workload-never-runs/limit-max" in ran.stdout) == (1, True), ran.stderr
    assert "::warning file=deploy/tiers.yaml,line=6,col=1,title=tiergate differs-from-option::" in ran.stdout


def test_the_workflow_of_the_page_is_one(tmp_path: Path) -> None:
    file = tmp_path / "manifests.yaml"
    file.write_text(page.FILES[".github/workflows/manifests.yaml"])
    program = Path(sys.executable).with_name("actionlint")
    ran = subprocess.run([program, "-shellcheck=", "-no-color", file], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, "")


def test_no_script_has_an_expression_in_it() -> None:
    """What a pull request says, such as the name of a file, must not become part of a script."""
    assert [name for name, step in STEPS.items() if "${{" in step["run"]] == []


@pytest.mark.slow
def test_inputs_are_arguments_whatever_they_say(runner: Runner) -> None:
    text = '$(touch stolen); `touch stolen` "; touch stolen; #\n*\n--usage=none'
    for name in ("paths", "tiers", "format", "output-file", "fail-on"):
        runner.run("Check", {**KNOWN, name: text})
    runner.run("Check", {**KNOWN, "paths": "--help"})
    assert not list(runner.workspace.rglob("stolen"))


def test_a_path_is_no_option(runner: Runner) -> None:
    ran = runner.run("Check", {**KNOWN, "paths": "--help\n"})
    assert ran.returncode == 3
    assert "--help" in ran.stdout


def test_each_line_is_a_path(runner: Runner) -> None:
    (runner.workspace / "with blank.yaml").write_text(page.FILES[page.MANIFEST].replace("name: agent\n", "name: b\n"))
    ran = runner.run("Check", {**KNOWN, "paths": "deploy\n\nwith blank.yaml\n", "format": "json"})
    assert {one["path"] for one in json.loads(ran.stdout)["objects"]} == {"deploy/agent.yaml", "with blank.yaml"}


def test_a_format_goes_to_its_file_and_findings_may_pass(runner: Runner) -> None:
    ran = runner.run("Check", {**KNOWN, "format": "junit", "output-file": "out.xml", "fail-on": "never"})
    assert (ran.returncode, ran.stdout) == (0, "")
    assert (runner.workspace / "out.xml").read_text().startswith("<?xml")


def test_rules_are_explained_where_the_action_comes_from(runner: Runner) -> None:
    ran = runner.run("Check", {**KNOWN, "format": "sarif"})
    (run,) = json.loads(ran.stdout)["runs"]
    assert run["tool"]["driver"]["informationUri"] == "https://git.example/platform/tiergate/blob/v0.1.0/docs"


def test_findings_are_sent_to_code_scanning(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "gh").write_text(
        '#!/bin/sh\nprintf "%s\\n" "$GH_TOKEN" "$@" > "$RUNNER_TEMP/said"\ncat > "$RUNNER_TEMP/sent"\n'
    )
    (programs / "gh").chmod(0o755)
    runner = Runner(tmp_path, programs=programs)
    runner.has_tiergate()
    page.write(runner.workspace, green=False)
    assert runner.run("Check", {**KNOWN, "sarif-upload": "true"}).returncode == 1
    ran = runner.run("Upload to code scanning", {**KNOWN, "sarif-upload": "true"})
    assert (ran.returncode, ran.stderr) == (0, "")
    said = (runner.temporary / "said").read_text().splitlines()
    assert said[0] == "made-by-github"
    assert {"repos/team/agents/code-scanning/sarifs", "commit_sha=0123abc", "ref=refs/pull/7/merge"} <= set(said)
    log = json.loads(gzip.decompress(base64.b64decode((runner.temporary / "sent").read_bytes(), validate=True)))
    assert log["version"] == "2.1.0"


@pytest.mark.parametrize("version", ["1.0; touch stolen", "--index-url=http://x", "$(id)", "latest"])
def test_a_version_is_a_version(tmp_path: Path, version: str) -> None:
    runner = Runner(tmp_path)
    ran = runner.run("Install", {"version": version})
    assert (ran.returncode, ran.stdout) == (2, "::error title=tiergate::version is not a release number\n")
    assert not (runner.temporary / "tiergate").exists()


def test_nothing_of_the_checkout_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the name that Python looks for, at the root of what a pull request brings."""
    runner = Runner(tmp_path)
    write_modules(runner.workspace, tmp_path / "stolen")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    ran = runner.run("Install", {})
    assert "No matching distribution" in ran.stderr
    assert (runner.temporary / "tiergate/bin/python").exists()
    for name in ("bin/tiergate", "bin/python"):
        (runner.temporary / "tiergate" / name).unlink(missing_ok=True)
    (runner.temporary / "tiergate/bin/tiergate").symlink_to(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", ".")
    assert runner.run("Check", {**KNOWN, "paths": "."}).returncode == 3
    assert not (tmp_path / "stolen").exists()


def test_the_page_names_every_input() -> None:
    table = re.findall(r"^\| (`.*?) \|", page.PAGE, re.MULTILINE)
    named = {word for cell in table for word in re.findall(r"`([a-z-]+)`", cell)}
    assert named == ACTION["inputs"].keys()
    assert all(name in ACTION["inputs"]["format"]["description"] for name in FORMATS)


def test_the_release_that_pages_name_is_this_one() -> None:
    project = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert project is not None
    named = re.findall(r"(?:tiergate@v|rev: v|ref: v|tiergate==)([0-9.]+)", page.PAGE)
    assert named
    assert set(named) == {project[1]}
