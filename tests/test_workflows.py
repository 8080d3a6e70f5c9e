"""What our workflows run is there, CONTRIBUTING names what runs every night, and `make help` can be read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import yaml

ROOT: Final = Path(__file__).parents[1]
WORKFLOWS: Final = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github/workflows").glob("*.yaml")}
MAKEFILE: Final = (ROOT / "Makefile").read_text()
WIDEST: Final = 120
"""Columns of `make help`, the first 16 for the target."""


def targets(name: str) -> set[str]:
    """Return what a workflow makes, with its variables."""
    found: set[str] = set()
    for job in WORKFLOWS[name]["jobs"].values():
        found |= set(job.get("strategy", {}).get("matrix", {}).get("target", []))
        for step in job["steps"]:
            found |= set(re.findall(r"^(?:sudo .* )?make ([a-z][^\n]*)", step.get("run", ""), re.MULTILINE))
    return found


def test_every_target_is_in_the_makefile() -> None:
    there = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    made = {target.split()[0] for name in WORKFLOWS for target in targets(name)}
    assert {"check", "test", "demo", "image", "mutants", "gitops", "node"} <= made <= there


def test_what_runs_every_night_is_described() -> None:
    row = re.search(r"^\| `nightly.yaml` \| (.*) \|$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert row is not None
    assert set(re.findall("`make ([^`]*)`", row[1])) == targets("nightly")


def test_help_fits_into_a_terminal() -> None:
    texts = re.findall(r"^[a-z-]+:.*?## (.*)$", MAKEFILE, re.MULTILINE)
    assert [text for text in texts if len(text) > WIDEST - 16] == []
    assert len(texts) > 20
