"""Runs the tests against each mutant, a process for each, two at a time.

All of them read one copy of the tree, so that work may go on meanwhile. The processes are forked from one that has
loaded pytest but nothing of the engine, which halves the time.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Final

import msgspec
import pytest

from tests.mutants.mutant import ROOT, Mutant

WORKERS: Final = 2
TIMEOUT: Final = 120
"""Seconds for the tests of one mutant; a step whose absence makes them hang counts as noticed."""
ENOUGH: Final = 20
"""So many failing tests are named; then the next mutant's turn comes."""

_FORK: Final = multiprocessing.get_context("fork")
_HUNG: Final = "(the tests hang)"


class Outcome(msgspec.Struct, frozen=True):
    """What the tests said of a mutant: which failed, or why nothing can be said."""

    mutant: Mutant
    killers: tuple[str, ...] = ()
    broken: str = ""

    @property
    def survived(self) -> bool:
        """Whether no test noticed."""
        return not self.killers and not self.broken


class Report(msgspec.Struct):
    """What the plugin wrote down."""

    tests: list[str]
    uncollected: list[str]


class Unsound(RuntimeError):
    """The tests fail without any mutant, so that they say nothing."""


class _Run:
    """One run of pytest in a process of its own."""

    def __init__(self, tree: Path, mutant: Mutant | None, folders: Sequence[str]) -> None:
        self._scratch = tempfile.TemporaryDirectory()
        self.mutant = mutant
        source = mutant.applied(mutant.path_in(tree).read_text()) if mutant else ""
        module = mutant.module if mutant else ""
        arguments = (tree, module, source, tuple(folders), self._scratch.name)
        self.process = _FORK.Process(target=_pytest, args=arguments)
        self.process.start()

    def report(self) -> tuple[Report | None, str]:
        """Return (what the plugin wrote, pytest's last words) once the process has ended."""
        self.process.join()
        output = "\n".join((Path(self._scratch.name) / "output").read_text().splitlines()[-15:])
        written = Path(self._scratch.name) / "report.json"
        report = msgspec.convert(json.loads(written.read_text()), Report) if written.exists() else None
        self._scratch.cleanup()
        return report, output

    def outcome(self) -> Outcome:
        """Return what the tests said of the mutant."""
        assert self.mutant is not None
        report, output = self.report()
        if self.process.exitcode == -signal.SIGALRM:
            return Outcome(self.mutant, killers=(_HUNG,))
        if report is None or report.uncollected:
            return Outcome(self.mutant, broken=output or f"pytest ended with {self.process.exitcode}")
        return Outcome(self.mutant, killers=tuple(report.tests))


def _pytest(tree: Path, module: str, source: str, folders: tuple[str, ...], scratch: str) -> None:
    """Run pytest, in a process just forked, with one module loaded from other source."""
    signal.alarm(TIMEOUT)
    (Path(scratch) / "source.py").write_text(source)
    os.chdir(tree)
    sys.path[:0] = [str(tree), str(tree / "webhook"), str(tree / "certs")]
    os.environ |= {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "TIERGATE_MUTANT_MODULE": module,
        "TIERGATE_MUTANT_SOURCE": f"{scratch}/source.py",
        "TIERGATE_MUTANT_REPORT": f"{scratch}/report.json",
    }
    options = ["-q", "--tb=no", f"--maxfail={ENOUGH}", "-p", "no:cacheprovider", "-p", "tests.mutants.plugin"]
    with (Path(scratch) / "output").open("w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            pytest.main([*options, *folders])


@contextlib.contextmanager
def copied_tree() -> Iterator[Path]:
    """Yield a copy of what the tests need of the repository."""
    with tempfile.TemporaryDirectory(prefix="tiergate-mutants-") as copy:
        for folder in ("webhook", "certs", "tests"):
            shutil.copytree(ROOT / folder, Path(copy) / folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        yield Path(copy)


def must_fit(tree: Path, mutants: Sequence[Mutant]) -> None:
    """Raise Missing for a step that is not where it is said to be."""
    for mutant in mutants:
        mutant.applied(mutant.path_in(tree).read_text())


def must_be_sound(tree: Path, folders: Sequence[str]) -> None:
    """Run the tests without any mutant; raise Unsound when one fails."""
    report, output = _Run(tree, None, folders).report()
    if report is None or report.tests or report.uncollected:
        raise Unsound(output)


def outcomes(tree: Path, mutants: Sequence[Mutant], progress: Callable[[Outcome, int], None]) -> list[Outcome]:
    """Return the outcome of each mutant, in their order; ``progress`` hears of each with how many are done."""
    found: dict[str, Outcome] = {}
    for one in _as_they_come(tree, mutants):
        found[one.mutant.name] = one
        progress(one, len(found))
    return [found[mutant.name] for mutant in mutants]


def _as_they_come(tree: Path, mutants: Sequence[Mutant]) -> Iterator[Outcome]:
    waiting, running = list(reversed(mutants)), list[_Run]()
    while waiting or running:
        while waiting and len(running) < WORKERS:
            mutant = waiting.pop()
            running.append(_Run(tree, mutant, mutant.folders))
        ended = wait([run.process.sentinel for run in running])
        for run in [run for run in running if run.process.sentinel in ended]:
            running.remove(run)
            yield run.outcome()
