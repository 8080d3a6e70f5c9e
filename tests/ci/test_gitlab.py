"""The template for GitLab: with the inputs of docs/ci.md it is a job, and its script does what it should."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.ci import page
from tests.ci.action import PROGRAM
from tests.docs.values import ROOT

pytestmark = pytest.mark.slow

TEMPLATE: Final = (ROOT / "templates/tiergate-check.yml").read_text()
SPEC, JOBS = TEMPLATE.split("\n---\n")
INPUTS: Final[dict[str, dict[str, Any]]] = yaml.safe_load(SPEC)["spec"]["inputs"]
_INPUT: Final = re.compile(r"\$\[\[ inputs\.([a-z-]+) \]\]")


def settings() -> dict[str, str]:
    """Return the inputs in docs/ci.md."""
    (include,) = yaml.safe_load(page.FILES[".gitlab-ci.yml"])["include"]
    assert (ROOT / include["file"]).read_text() == TEMPLATE
    found: dict[str, str] = include["inputs"]
    return found


def filled(inputs: dict[str, str]) -> str:
    """Return the jobs with inputs, as GitLab fills them in: an unknown one, or a missing one, is an error there."""
    assert inputs.keys() <= INPUTS.keys()
    values = {name: inputs.get(name, one.get("default")) for name, one in INPUTS.items()}
    assert None not in values.values()
    return _INPUT.sub(lambda one: values[one[1]] or "", JOBS)


def ran(folder: Path, inputs: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the script of the job; a pip stands in that notes what it is asked for."""
    job = yaml.safe_load(filled(inputs))["tiergate-check"]
    programs = folder.parent / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "pip").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$NOTES"\n')
    (programs / "pip").chmod(0o755)
    environment = {
        **job["variables"],
        "NOTES": str(programs / "notes"),
        "PATH": f"{programs}:{PROGRAM.parent}:{os.environ['PATH']}",
    }
    script = "\n".join(job["script"])
    return subprocess.run(["sh", "-e", "-c", script], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    page.write(folder, green=False)
    return folder


def test_it_is_a_configuration_of_gitlab(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    for name, text in (("jobs.yml", filled(settings())), ("include.yml", page.FILES[".gitlab-ci.yml"])):
        (tmp_path / name).write_text(text)
    schema = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")
    files = (tmp_path / "jobs.yml", tmp_path / "include.yml")
    found = subprocess.run([program, *schema, *files], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_the_merge_request_of_the_page_goes_red_and_green(repository: Path) -> None:
    red = ran(repository, settings())
    assert red.returncode == 1
    assert red.stdout == page.COMMANDS[0].partition("\n")[2]
    assert (repository.parent / "programs/notes").read_text().splitlines()[-1] == "tiergate==0.1.0"
    page.write(repository, green=True)
    assert ran(repository, settings()).returncode == 0


def test_what_is_reported_is_what_the_job_names(repository: Path) -> None:
    ran(repository, settings())
    reports = yaml.safe_load(filled(settings()))["tiergate-check"]["artifacts"]["reports"]
    issues = json.loads((repository / reports["codequality"]).read_text())
    assert [one["location"] for one in issues] == [{"path": "deploy/agent.yaml", "lines": {"begin": 19}}]
    assert (repository / reports["junit"]).read_text().count("<failure") == 1


def test_what_cannot_be_checked_is_red_on_the_page(repository: Path) -> None:
    page.write(repository, green=True)
    (repository / page.MANIFEST).write_text(page.FILES[page.MANIFEST].replace("  namespace: agents-dev\n", ""))
    found = ran(repository, settings())
    assert (found.returncode, "1 unproved" in found.stdout) == (1, True), found.stdout


def test_inputs_are_no_part_of_the_script() -> None:
    assert _INPUT.search(yaml.safe_dump(yaml.safe_load(JOBS)["tiergate-check"]["script"])) is None


def test_every_input_is_used_and_described() -> None:
    assert set(_INPUT.findall(JOBS)) == INPUTS.keys()
    assert all(one["description"] for one in INPUTS.values())


def test_patterns_and_commands_in_inputs_stay_words(repository: Path) -> None:
    found = ran(repository, {**settings(), "paths": "* $(touch stolen);"})
    assert found.returncode == 3
    assert "unreadable  *: No such file" in found.stdout
    assert not (repository / "stolen").exists()
