"""What our workflows run is there, and CONTRIBUTING names what runs every night."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import yaml

ROOT: Final = Path(__file__).parents[1]
WORKFLOWS: Final = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github/workflows").glob("*.yaml")}


def targets(name: str) -> set[str]:
    """Return what a workflow makes, with its variables."""
    found: set[str] = set()
    for job in WORKFLOWS[name]["jobs"].values():
        found |= set(job.get("strategy", {}).get("matrix", {}).get("target", []))
        for step in job["steps"]:
            found |= set(re.findall(r"^make ([a-z][^\n]*)", step.get("run", ""), re.MULTILINE))
    return found


def test_every_target_is_in_the_makefile() -> None:
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    made = {target.split()[0] for name in WORKFLOWS for target in targets(name)}
    assert {"check", "test", "demo", "image", "mutants", "gitops"} <= made <= there


def test_what_runs_every_night_is_described() -> None:
    row = re.search(r"^\| `nightly.yaml` \| (.*) \|$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert row is not None
    assert set(re.findall("`make ([^`]*)`", row[1])) == targets("nightly")
