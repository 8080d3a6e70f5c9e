"""Mutate the pure packages with mutmut: a mutant that no test notices and that is not listed fails the run."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.mutants import survivors
from tests.mutants.running import Failed, Outcome, Plan, run
from tests.mutants.survivors import LIST, Change, Survivor
from tests.mutants.workspace import PACKAGES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run mutants; return 1 when one goes unnoticed that is not listed, 2 when mutmut itself fails."""
    options = _parser().parse_args(arguments)
    plan = Plan(tuple(options.packages or PACKAGES), options.modules, options.sample, options.seed, options.processes)
    print(f"mutants: {_described(plan)}", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tiergate-mutants-") as folder:
        try:
            outcome = run(Path(folder), plan)
        except Failed as error:
            print(f"mutants: {error}", file=sys.stderr)
            return 2
    counts = ", ".join(f"{count} {result}" for result, count in outcome.counts.items())
    print(f"mutants: {counts}, in {time.monotonic() - start:.0f} s", flush=True)
    whole = set(plan.packages) == set(PACKAGES) and plan.modules == "*" and not plan.sample
    return _verdict(outcome, whole=whole)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("packages", nargs="*", choices=[[], *PACKAGES], help="packages to mutate; all without any")
    parser.add_argument("--modules", default="*", help="only modules of such names, as workload_*")
    parser.add_argument("--sample", type=int, default=0, help="how many mutants, chosen at random; all without it")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the choice")
    parser.add_argument("--processes", type=int, default=2, help="how many run at a time")
    return parser


def _described(plan: Plan) -> str:
    what = f"{plan.sample} chosen with seed {plan.seed} of" if plan.sample else "all of"
    return f"{what} {', '.join(plan.packages)} ({plan.modules}), {plan.processes} at a time"


def _verdict(outcome: Outcome, *, whole: bool) -> int:
    """Print what is new, and after a whole run what is listed but noticed now; return the exit code."""
    known = {each.change for each in survivors.known()}
    new = [change for change in dict.fromkeys(outcome.unnoticed) if change not in known]
    for change in new:
        print(f"\nUNNOTICED\n{_entry(change)}", end="")
    if whole:
        for change in sorted(known - set(outcome.unnoticed), key=lambda change: change.function):
            print(f"\nlisted, but gone or noticed now; remove it\n{_entry(change)}", end="")
    print(f"\nmutants: {len(outcome.unnoticed)} unnoticed, {len(new)} of them not in {LIST.name}", flush=True)
    return 1 if new else 0


def _entry(change: Change) -> str:
    return survivors.entry(Survivor(change.function, change.was, change.now, "?"))


if __name__ == "__main__":
    sys.exit(main())
