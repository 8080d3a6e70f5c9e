"""``python -m tests.quantity_oracle --cases N``: compare N random texts and N / 4 random pairs, whatever the N."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random, SystemRandom
from typing import Final

from tests.quantity_oracle import program, recording
from tests.quantity_oracle.compare import Outcome, compare_pairs, compare_readings
from tests.quantity_oracle.texts import TABLE, TOKENS, quoted, tokens

BATCH: Final = 20000
SHOWN: Final = 20


def run(oracle: Path, *, cases: int, seed: int) -> Outcome:
    """Compare the table and so many random texts; print progress on the way."""
    outcome = Outcome()
    rng = Random(seed)  # noqa: S311  # cases, not secrets

    def asks(lines: Sequence[str]) -> list[program.Answer]:
        return program.ask(oracle, lines)

    compare_readings([quoted(text) for text in TABLE], asks, outcome)
    compare_readings([token for token in TOKENS if token[0] in "-0123456789"], asks, outcome)
    begun, done = time.monotonic(), 0
    while done < cases:
        batch = list(tokens(rng, min(BATCH, cases - done)))
        compare_readings(batch, asks, outcome)
        compare_pairs(zip(batch[::4], batch[1::4], strict=False), asks, outcome)
        done += len(batch)
        rate = done / (time.monotonic() - begun)
        print(f"{done} of {cases} texts, {rate:.0f}/s, {len(outcome.disagreements)} disagreements", flush=True)
    return outcome


def main() -> int:
    """Return 1 if there is any disagreement."""
    parser = argparse.ArgumentParser(prog="python -m tests.quantity_oracle", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000, help="random texts (default %(default)s)")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(2**32), help="repeats a run")
    parser.add_argument("--record", action="store_true", help=f"rewrite {recording.FILE.name} instead")
    options = parser.parse_args()
    try:
        oracle = program.ensure()
    except program.NoOracle as error:
        print(error)
        return 1
    if options.record:
        print(f"{recording.write(oracle)} answers recorded")
        return 0
    print(f"seed {options.seed}")
    outcome = run(oracle, cases=options.cases, seed=options.seed)
    for line, count in sorted(outcome.counts.items()):
        print(f"{count:>9} {line}")
    for text in outcome.disagreements[:SHOWN]:
        print(text)
    print(f"{len(outcome.disagreements)} disagreements")
    return 1 if outcome.disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
