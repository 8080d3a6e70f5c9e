"""The same executions under atheris, which keeps inputs that reach new code. Optional: ``pip install atheris``.

A worker is a process of its own, because code is instrumented as it is imported:
``python -m tests.fuzz.coverage_guided EXECUTIONS SEED RESULT_FILE KEEP_FOLDER``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.fuzz.engine import Result

NAME: Final = "atheris"
_TIMEOUT: Final = 30
"""Seconds after which an input counts as one that hangs."""
_OPTIONS: Final = ("-max_len=16384", f"-timeout={_TIMEOUT}", "-rss_limit_mb=2048", "-verbosity=0")


def installed() -> bool:
    """Say whether atheris is there."""
    return find_spec(NAME) is not None


def fuzz(*, executions: int, seed: int, keep: Path) -> Result:
    """Run so many executions in a worker process; its death (a crash, a hang, too much memory) is a finding."""
    from tests.fuzz.engine import Result

    with tempfile.TemporaryDirectory(prefix="tiergate-fuzz-") as folder:
        report = Path(folder) / "result.json"
        command = (
            sys.executable,
            "-m",
            "tests.fuzz.coverage_guided",
            str(executions),
            str(seed),
            str(report),
            str(keep),
        )
        code = subprocess.run(command, check=False).returncode
        result = Result(**json.loads(report.read_text())) if report.exists() else Result()
        if code != 0:
            result.findings["found-crash, found-timeout or found-oom"] = f"the worker ended with {code}"
        return result


def _worker(executions: int, seed: int, report: Path, keep: Path) -> None:
    atheris: Any = import_module(NAME)
    with atheris.instrument_imports(include=["tiergate"]):
        from tests.fuzz import engine, mutate, seeds, target
    running, result, corpus = target.Target(), engine.Result(), seeds.seeds()
    ways: set[object] = set()

    def one(data: bytes) -> None:
        ways.add(engine.run(running.check, data, result, keep))
        result.executions += 1
        result.ways, result.outcomes = len(ways), dict(running.outcomes)
        if result.executions % 1000 == 0 or result.executions >= executions:
            report.write_text(json.dumps(vars(result)))

    for data in corpus:
        engine.run(running.check_everywhere, data, result, keep)
    change = _changes(atheris, mutate.Mutator(Random(seed), corpus))  # noqa: S311  # cases, not secrets
    with tempfile.TemporaryDirectory(prefix="tiergate-corpus-") as folder:
        for index, data in enumerate(corpus):
            (Path(folder) / str(index)).write_bytes(data)
        artifacts = f"-artifact_prefix={keep}/found-"
        arguments = [sys.argv[0], *_OPTIONS, f"-runs={executions}", f"-seed={seed}", artifacts, folder]
        atheris.Setup(arguments, one, custom_mutator=change)
        atheris.Fuzz()  # does not return


def _changes(atheris: Any, mutator: Callable[[bytes], bytes]) -> Callable[[bytes, int, int], bytes]:  # noqa: ANN401  # an optional module
    """Return a mutator that changes structure mostly, and leaves one input in five to libFuzzer."""

    def change(data: bytes, most: int, seed: int) -> bytes:
        if seed % 5 == 0:
            return bytes(atheris.Mutate(data, most))
        return mutator(data)[:most]

    return change


if __name__ == "__main__":
    _worker(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
