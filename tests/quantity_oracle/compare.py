"""Our quantities and the library's, field by field.

Two differences are on purpose, each with a predicate that a text must meet: exponents and texts beyond a
bound are refused (Q-6), and decimal amounts of 1000E and more print in E where the library loses the unit
(Q-13). A third shows in what an object prints but not in anything compared here: the library keeps some
spellings (Q-15), ours is always the canonical text.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.differential import sums
from tests.quantity_oracle.program import Answer
from tiergate.core import projection
from tiergate.core.quantity import (
    FORMAT_ERROR,
    MILLI_IN_NANO,
    NANO,
    NUMERIC_ERROR,
    SUFFIX_ERROR,
    Quantity,
    QuantityError,
)

CLASSES: Final = {FORMAT_ERROR: "format", NUMERIC_ERROR: "numeric", SUFFIX_ERROR: "suffix"}
UNIT_LOST: Final = 1000 * 10**18 * NANO

Asks = Callable[[Sequence[str]], Sequence[Answer]]


@dataclass
class Outcome:
    """What was compared: ``counts`` by verdict and by difference on purpose, and every disagreement."""

    counts: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    def note(self, line: str, ours: Mapping[str, object], theirs: Mapping[str, object]) -> None:
        """Add the fields of one line that differ."""
        wrong = {key: (ours[key], theirs.get(key)) for key in ours if ours[key] != theirs.get(key)}
        if wrong:
            self.disagreements.append(f"{line}: (ours, theirs) differ in {wrong}")


def parsed(token: str) -> Quantity | str:
    """Return our quantity of a JSON token, or the class of our refusal."""
    text = json.loads(token) if token.startswith('"') else token
    try:
        return Quantity.parse(text)
    except QuantityError as error:
        return CLASSES.get(str(error), str(error))


def compare_readings(tokens: Sequence[str], asks: Asks, outcome: Outcome) -> None:
    """Compare verdict, amount, format, canonical text, both roundings and both projections of each token."""
    for token, theirs in zip(tokens, asks(tokens), strict=True):
        quantity = parsed(token)
        if isinstance(quantity, str):
            outcome.counts[f"refused as {quantity}"] += 1
            outcome.note(token, {"class": quantity}, theirs)
            continue
        outcome.counts[f"accepted as {quantity.format}"] += 1
        outcome.counts["retained text (on purpose)"] += theirs.get("printed") != theirs.get("text")
        milli, whole = quantity.rounded_up(MILLI_IN_NANO), quantity.rounded_up(NANO)
        ours: dict[str, Any] = {
            "class": "",
            "format": quantity.format,
            "nano": str(quantity.nano),
            "milli_nano": str(milli.nano),
            "whole_nano": str(whole.nano),
            **_texts({"text": quantity, "milli": milli, "whole": whole}, outcome),
        }
        if quantity.nano >= 0 and not loses_its_unit(quantity):
            ours["projections"] = _projections(projection.value(quantity), projection.milli_value(quantity))
        outcome.note(token, ours, theirs)


def compare_pairs(pairs: Iterable[tuple[str, str]], asks: Asks, outcome: Outcome) -> None:
    """Compare order, sum and difference of the pairs whose tokens are both quantities.

    The projections of a sum beyond 64 bits are among those that `sums` says there can be, where no term is negative or
    so large that the library loses its unit.
    """
    good = [
        (one, other) for one, other in pairs if not isinstance(parsed(one), str) and not isinstance(parsed(other), str)
    ]
    lines = [f"[{one}, {other}]" for one, other in good]
    for line, (one, other), theirs in zip(lines, good, asks(lines), strict=True):
        left, right = parsed(one), parsed(other)
        assert isinstance(left, Quantity)
        assert isinstance(right, Quantity)
        outcome.counts["pairs"] += 1
        total, rest = left + right, left - right
        ours: dict[str, Any] = {
            "class": "",
            "compared": (left > right) - (left < right),
            "sum_nano": str(total.nano),
            "sum_format": total.format,
            "difference_nano": str(rest.nano),
            "difference_format": rest.format,
            **_texts({"sum": total, "difference": rest}, outcome),
        }
        outcome.note(line, ours, theirs)
        if total.nano > sums.MOST and all(0 <= one.nano < UNIT_LOST for one in (left, right)):
            held = [_projections(sums.whole_units(one), sums.milli_units(one)) for one in sums.held(total)]
            outcome.counts["sums beyond 64 bits"] += 1
            if theirs["sum_projections"] not in held:
                outcome.disagreements.append(f"{line}: {theirs['sum_projections']} is none of {held}")


def _projections(whole: int, milli: int) -> dict[str, int]:
    return {"value": whole, "milli_value": milli}


def _texts(quantities: Mapping[str, Quantity], outcome: Outcome) -> dict[str, str]:
    """Return the canonical texts, the unit dropped where the library loses it (Q-13)."""
    result = {}
    for key, quantity in quantities.items():
        lost = loses_its_unit(quantity)
        outcome.counts["unit lost (on purpose)"] += lost
        result[key] = _without_unit(quantity) if lost else str(quantity)
    return result


def loses_its_unit(quantity: Quantity) -> bool:
    """Say whether the library prints no suffix though the power is not 0: decimal multiples of 1000E."""
    return quantity.format == "DecimalSI" and quantity.nano != 0 and quantity.nano % UNIT_LOST == 0


def _without_unit(quantity: Quantity) -> str:
    mantissa = quantity.nano
    while mantissa % 1000 == 0:
        mantissa //= 1000
    return str(mantissa)
