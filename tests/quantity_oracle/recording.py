"""Answers of the library kept in a file, for machines without Go."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

from tests.quantity_oracle import program
from tests.quantity_oracle.compare import parsed
from tests.quantity_oracle.program import Answer
from tests.quantity_oracle.texts import TABLE, quoted, tokens
from tiergate.core.quantity import Quantity

FILE: Final = Path(__file__).parent / "recorded.jsonl"
TEXTS: Final = 400
PAIRS: Final = 200
_SEED: Final = 20


def write(oracle: Path) -> int:
    """Ask the library about the table and some random texts and pairs; return how many answers were written."""
    rng = Random(_SEED)  # noqa: S311  # cases, not secrets
    readings = [*(quoted(text) for text in TABLE), *tokens(rng, TEXTS)]
    good = [token for token in readings if isinstance(parsed(token), Quantity)]
    pairs = [f"[{rng.choice(good)}, {rng.choice(good)}]" for _ in range(PAIRS)]
    lines = [*dict.fromkeys((*readings, *pairs))]
    answers = program.ask(oracle, lines)
    texts = (json.dumps([line, answer], separators=(",", ":")) for line, answer in zip(lines, answers, strict=True))
    FILE.write_text("".join(f"{text}\n" for text in texts))
    return len(lines)


class Recorded:
    """Answers from the file as the program would give them."""

    def __init__(self) -> None:
        """Read the file."""
        self.answers: dict[str, Answer] = dict(json.loads(line) for line in FILE.read_text().splitlines())

    def __call__(self, lines: Sequence[str]) -> list[Answer]:
        """Return the answers to these lines; a line that was never asked is a KeyError."""
        return [self.answers[line] for line in lines]

    @property
    def readings(self) -> list[str]:
        """The single tokens asked about."""
        return [line for line in self.answers if not line.startswith("[")]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs of tokens asked about."""
        pairs = (line[1:-1].split(", ") for line in self.answers if line.startswith("["))
        return [(one, other) for one, other in pairs]
