"""``python -m tests.fuzz --executions N``: fuzz the decoders and handlers; 1 if anything was found.

Failing inputs are kept as files in tests/fuzz/regressions, where the tests run them until they pass.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from random import SystemRandom

from tests.fuzz import coverage_guided
from tests.fuzz.engine import REGRESSIONS, Result, fuzz


def _say(worker: int, text: str) -> None:
    print(f"[{worker}] {text}", flush=True)


def _work(worker: int, executions: int, seed: int, *, guided: bool) -> Result:
    if guided:
        return coverage_guided.fuzz(executions=executions, seed=seed + worker, keep=REGRESSIONS)
    return fuzz(executions=executions, seed=seed + worker, say=partial(_say, worker), keep=REGRESSIONS)


def main() -> int:
    """Run the executions in some processes and tell what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--executions", type=int, default=1_000_000, help="in all processes (default %(default)s)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="(default %(default)s)")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(2**31), help="repeats a run")
    parser.add_argument("--engine", choices=("auto", "atheris", "own"), default="auto", help="(default %(default)s)")
    options = parser.parse_args()
    guided = options.engine == "atheris" or (options.engine == "auto" and coverage_guided.installed())
    print(f"seed {options.seed}, {'atheris, guided by coverage' if guided else 'guided by what the handlers answer'}")
    begun = time.monotonic()
    share = -(-options.executions // options.processes)
    with ProcessPoolExecutor(options.processes) as pool:
        work = partial(_work, executions=share, seed=options.seed, guided=guided)
        results = list(pool.map(work, range(options.processes)))
    findings = {name: text for result in results for name, text in result.findings.items()}
    done, seconds = sum(result.executions for result in results), time.monotonic() - begun
    print(
        f"{done} executions in {seconds:.0f} s, {max(result.ways for result in results)} ways, {len(findings)} findings"
    )
    outcomes = sum((Counter(result.outcomes) for result in results), Counter[str]())
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())))
    for name, text in findings.items():
        print(f"{name}: {text}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
