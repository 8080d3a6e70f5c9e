"""Take out each step of the engine, one at a time: every removal must fail a test. Writes docs/rules.md."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from tests.mutants.catalogue import CATALOGUE
from tests.mutants.mutant import Missing, Mutant
from tests.mutants.running import Outcome, Unsound, copied_tree, must_be_sound, must_fit, outcomes
from tests.mutants.table import TABLE, written


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every mutant, or those whose name or rule is given; return 1 when a removal goes unnoticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("only", nargs="*", help="a rule id or a part of a step's name; the table is then not written")
    only = parser.parse_args(arguments).only
    chosen = [mutant for mutant in CATALOGUE if not only or _is_meant(mutant, only)]
    folders = sorted({folder for mutant in chosen for folder in mutant.folders})
    print(f"mutants: {len(chosen)} steps, tests of {', '.join(folders)}", flush=True)
    try:
        with copied_tree() as tree:
            must_fit(tree, chosen)
            must_be_sound(tree, folders)
            found = outcomes(tree, chosen, _Progress(len(chosen)))
    except Missing as error:
        print(f"mutants: the catalogue does not fit the source\n{error}", file=sys.stderr)
        return 1
    except Unsound as error:
        print(f"{error}\nmutants: the tests fail with nothing taken out", file=sys.stderr)
        return 1
    if not only:
        TABLE.write_text(written(found))
    return _verdict(found)


def _is_meant(mutant: Mutant, words: Sequence[str]) -> bool:
    return any(word in mutant.rules or word in mutant.name for word in words)


class _Progress:
    """One line on a terminal, a line now and then elsewhere."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._start = time.monotonic()

    def __call__(self, outcome: Outcome, done: int) -> None:
        """Say how far it is, and at once what went unnoticed."""
        start, end = ("\r", "") if sys.stdout.isatty() else ("", "\n")
        if outcome.survived or outcome.broken:
            print(f"{start}{_said(outcome)}", flush=True)
        if sys.stdout.isatty() or done % 50 == 0 or done == self._total:
            print(f"{start}mutants: {done}/{self._total}, {time.monotonic() - self._start:.0f} s", end=end, flush=True)


def _said(outcome: Outcome) -> str:
    what = f"{', '.join(outcome.mutant.rules)}: {outcome.mutant.name}"
    return f"BROKEN    {what}\n{outcome.broken}" if outcome.broken else f"UNNOTICED {what}"


def _verdict(found: Sequence[Outcome]) -> int:
    unnoticed = [outcome for outcome in found if outcome.survived or outcome.broken]
    print(f"\nmutants: {len(found) - len(unnoticed)} of {len(found)} removals fail a test", flush=True)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
