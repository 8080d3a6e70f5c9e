"""Our quantities against k8s.io/apimachinery as it answers now; needs Go once, to build the program that asks it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from random import Random

import msgspec
import pytest

from tests.quantity_oracle import program
from tests.quantity_oracle.compare import Outcome, compare_pairs, compare_readings
from tests.quantity_oracle.recording import Recorded
from tests.quantity_oracle.texts import TABLE, TOKENS, quoted, tokens
from tiergate.core.quantity import MAX_EXPONENT, MAX_LENGTH, Quantity, QuantityError
from tiergate.wire import Malformed, strict
from tiergate.wire.tree import parse
from tiergate.wire.types import Resources, resource_list

pytestmark = pytest.mark.cluster  # Go and the modules, as the control plane

CASES = 5000


@pytest.fixture(scope="module")
def oracle() -> Path:
    """The program that answers for the library."""
    reason = program.missing()
    if reason and os.environ.get("TIERGATE_REQUIRE_CLUSTER") != "1":
        pytest.skip(reason)
    return program.ensure()


@pytest.fixture
def outcome(oracle: Path, seed: int) -> Outcome:
    """The outcome of the table and some thousand random texts; a failure shows how to repeat it."""
    print(f"seed {seed}: python -m tests.quantity_oracle --cases {CASES} --seed {seed}")
    found = Outcome()

    def asks(lines: Sequence[str]) -> list[program.Answer]:
        return program.ask(oracle, lines)

    rng = Random(seed)  # noqa: S311  # cases, not secrets
    texts = [*(quoted(text) for text in TABLE), *tokens(rng, CASES)]
    compare_readings(texts, asks, found)
    compare_pairs(zip(texts, reversed(texts), strict=True), asks, found)
    return found


def test_random_texts_are_what_the_library_makes_of_them(outcome: Outcome) -> None:
    """No text and no pair differs, but for the differences on purpose."""
    assert outcome.disagreements == []
    assert outcome.counts["pairs"] > CASES // 10


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_that_is_no_string_is_read_as_the_library_reads_it(oracle: Path, token: str) -> None:
    """Numbers are quantities by their text and null is zero, anything else is refused (Q-16 to Q-18)."""
    (theirs,) = program.ask(oracle, [token])
    tree = parse(b'{"limits": {"cpu": %s}}' % token.encode())
    try:
        amounts = resource_list(strict.build(tree, Resources, "").limits)
    except Malformed:
        assert theirs["class"] == "format"
    else:
        assert str(amounts["cpu"].nano) == theirs["milli_nano"]
        assert str(amounts["cpu"]) == theirs["milli"]


@pytest.mark.parametrize("text", [f"1e{MAX_EXPONENT + 1}", f"1e-{MAX_EXPONENT + 1}", "1" * (MAX_LENGTH + 1)])
def test_what_we_refuse_for_its_size_is_a_quantity_to_the_library(oracle: Path, text: str) -> None:
    """The bound is ours alone (Q-6), and it is exactly where it is said to be."""
    (theirs,) = program.ask(oracle, [quoted(text)])
    assert theirs["class"] == ""
    with pytest.raises(QuantityError, match="not supported"):
        Quantity.parse(text)


def test_the_recorded_answers_are_still_the_librarys(oracle: Path) -> None:
    """The file says what the library at the pinned version says."""
    recorded = Recorded().answers
    now = program.ask(oracle, list(recorded))
    assert msgspec.json.encode(now) == msgspec.json.encode(list(recorded.values()))
