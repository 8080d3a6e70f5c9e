"""Runs mutmut in a copy of the tree and reads what it found."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

from tests.mutants import workspace
from tests.mutants.plugin import UNUSABLE
from tests.mutants.survivors import Change, change_of

_UNNOTICED: Final = ("survived", "no tests")
_NEVER_RAN: Final = ("not checked", "skipped")
_MUTMUT: Final = Path(sys.executable).with_name("mutmut")


class Failed(RuntimeError):
    """mutmut itself failed: the tests fail without a mutant, or it could not run some."""


class Plan(msgspec.Struct, frozen=True):
    """Which modules of which packages, how many mutants (0: all) chosen by which seed, in how many processes."""

    packages: tuple[str, ...] = workspace.PACKAGES
    modules: str = "*"
    sample: int = 0
    seed: int = 0
    processes: int = 2


class Outcome(msgspec.Struct, frozen=True):
    """How many mutants ran with which result, and what those change that no test noticed."""

    counts: dict[str, int]
    unnoticed: tuple[Change, ...]


def run(folder: Path, plan: Plan) -> Outcome:
    """Mutate in an empty folder as planned; raise Failed where that says nothing about the tests."""
    workspace.fill(folder, plan.packages, plan.modules)
    chosen = _sample(folder, plan)
    arguments = [str(_MUTMUT), "run", "--max-children", str(plan.processes), *chosen]
    path = f"{_MUTMUT.parent}{os.pathsep}{os.environ['PATH']}"
    if code := _watched(arguments, folder, {**os.environ, "PATH": path}):
        msg = f"mutmut ended with {code}"
        raise Failed(msg)
    if (folder / "mutants" / UNUSABLE).exists():
        msg = "pytest did not find some tests by the names under which it had collected them"
        raise Failed(msg)
    results = _results(folder)
    if chosen:
        results = {name: results[name] for name in chosen}
    if missing := [name for name, result in results.items() if result in _NEVER_RAN]:
        msg = f"mutmut did not run {len(missing)} mutants, such as {missing[0]}"
        raise Failed(msg)
    counts = {result: list(results.values()).count(result) for result in sorted(set(results.values()))}
    unnoticed = [name for name, result in results.items() if result in _UNNOTICED]
    return Outcome(counts, tuple(change_of(name, _module(folder, name)) for name in unnoticed))


def _watched(arguments: list[str], folder: Path, environment: dict[str, str]) -> int:
    """Run mutmut and return its exit code; without a terminal its progress is a line a minute."""
    if sys.stdout.isatty():
        return subprocess.run(arguments, cwd=folder, env=environment).returncode
    log = folder / "mutmut.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(arguments, cwd=folder, env=environment, stdout=output, stderr=output)
        while True:
            try:
                code = process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                print(f"mutants: {_last(log)}", flush=True)
            else:
                break
    if code:
        print("\n".join(log.read_text(errors="replace").splitlines()[-50:]))
    return code


def _last(log: Path) -> str:
    return log.read_text(errors="replace").replace("\r", "\n").strip().rpartition("\n")[2]


def _sample(folder: Path, plan: Plan) -> list[str]:
    """Return the names of the mutants to run, none for all."""
    if not plan.sample:
        return []
    names = workspace.names(folder, plan.packages, plan.modules)
    return sorted(random.Random(plan.seed).sample(names, min(plan.sample, len(names))))  # noqa: S311


def _results(folder: Path) -> dict[str, str]:
    """Return mutmut's result for each mutant, by name."""
    listed = subprocess.run(
        [_MUTMUT, "results", "--all", "true"], cwd=folder, check=True, capture_output=True, text=True
    )
    lines = (line.strip() for line in listed.stdout.splitlines() if "__mutmut_" in line)
    return {name: result for name, _, result in (line.partition(": ") for line in lines)}


def _module(folder: Path, name: str) -> str:
    """Return the text of the module of a mutant as mutmut wrote it."""
    module = name.rpartition(".")[0]
    return (folder / "mutants" / "src" / f"{module.replace('.', '/')}.py").read_text()
