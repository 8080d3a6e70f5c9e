"""The fuzzing loop: change an input, run it, keep what went a new way, write down what failed."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from tests.fuzz.findings import Finding, Signature
from tests.fuzz.mutate import Mutator
from tests.fuzz.seeds import seeds
from tests.fuzz.target import REVIEW, Target

REGRESSIONS: Final = Path(__file__).parent / "regressions"
SLOW: Final = 2.0
"""CPU seconds; no input of the largest size may take longer, a review must be answered in 5."""
MOST_FINDINGS: Final = 20
MOST_INPUTS: Final = 4000
DEEP: Final = re.compile(r"'(allowed|patched|denied|warned|audited)'")

Say = Callable[[str], None]


@dataclass
class Result:
    """What a run saw: executions, ways (distinct signatures), answers by endpoint, and the findings by file name."""

    executions: int = 0
    ways: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    findings: dict[str, str] = field(default_factory=dict)


class Corpus:
    """The inputs to change: reviews, and the documents that watches bring."""

    def __init__(self, rng: Random) -> None:
        """Begin with the seeds."""
        self._rng = rng
        self.seeds = seeds()
        self.reviews = [one for one in self.seeds if REVIEW in one]
        self.documents = [one for one in self.seeds if REVIEW not in one]

    def choose(self) -> bytes:
        """Return an input, reviews and the latest ones more often."""
        pool = self.documents if self._rng.random() < 0.1 else self.reviews  # noqa: PLR2004, RUF100  # one in ten
        return self._rng.choice(pool[-50:] if self._rng.random() < 0.3 else pool)  # noqa: PLR2004, RUF100  # a third

    def keep(self, data: bytes, signature: Signature) -> None:
        """Add an input, unless it is a review only refused as a whole: that leads nowhere. A full pool forgets one."""
        pool = self.reviews if REVIEW in data else self.documents
        if pool is self.reviews and DEEP.search(repr(signature)) is None:
            return
        if len(pool) >= MOST_INPUTS:
            del pool[self._rng.randrange(MOST_INPUTS)]
        pool.append(data)


def fuzz(*, executions: int, seed: int, say: Say, keep: Path | None, every: float = 10.0) -> Result:
    """Run so many executions from the seeds, guided by what each input made the handlers do."""
    with closing(Target()) as target:
        return _loop(target, executions=executions, rng=Random(seed), say=say, keep=keep, every=every)  # noqa: S311  # cases, not secrets


def _loop(target: Target, *, executions: int, rng: Random, say: Say, keep: Path | None, every: float) -> Result:
    result = Result()
    corpus, ways = Corpus(rng), set[Signature]()
    mutator = Mutator(rng, corpus.reviews)
    begun = told = time.monotonic()
    while result.executions < executions and len(result.findings) < MOST_FINDINGS:
        fresh = result.executions < len(corpus.seeds)  # they come first, under every policy
        data = corpus.seeds[result.executions] if fresh else mutator(corpus.choose())
        signature = run(target.check_everywhere if fresh else target.check, data, result, keep)
        result.executions += 1
        if signature is not None and signature not in ways:
            ways.add(signature)
            corpus.keep(data, signature)
        now = time.monotonic()
        if now - told >= every:
            told = now
            rate = result.executions / (now - begun)
            say(f"{result.executions} executions, {rate:.0f}/s, {len(ways)} ways, {len(result.findings)} findings")
    result.ways, result.outcomes = len(ways), dict(target.outcomes)
    return result


def run(check: Callable[[bytes], Signature], data: bytes, result: Result, keep: Path | None) -> Signature | None:
    """Run one input; a failing one is noted, kept as a file and has no signature."""
    begun = time.process_time()
    try:
        signature = check(data)
    except Finding as finding:
        found = str(finding)
    except Exception as error:  # noqa: BLE001  # any other exception is what is looked for
        found = f"{type(error).__name__}: {error}"
    else:
        taken = time.process_time() - begun
        if taken <= SLOW:
            return signature
        found = f"took {taken:.1f} s"
    name = f"found-{hashlib.sha256(data).hexdigest()[:12]}"
    result.findings[name] = found
    if keep is not None:
        (keep / name).write_bytes(data)
    return None
