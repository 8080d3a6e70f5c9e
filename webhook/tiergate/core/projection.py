"""A quantity as the 64-bit integer that Kubernetes makes of it in places, with its overflows (Q-21).

Source: apimachinery ``pkg/api/resource/quantity.go``, ``Value`` and ``MilliValue``. They depend on how a server holds
the quantity, and of that the canonical text is all we see.
"""

from __future__ import annotations

import re
from typing import Final

from tiergate.core.quantity import MILLI_IN_NANO, NANO, Quantity

MAX_MILLI_VALUE: Final = (2**63 - 1) // 1000
"""The largest whole amount whose milli-units fit in 64 bits."""


def value(quantity: Quantity) -> int:
    """Return the whole units, rounded away from zero, as the 64-bit integer they become."""
    return _scaled(quantity, NANO, 0)


def milli_value(quantity: Quantity) -> int:
    """Return the milli-units as ``value`` does."""
    return _scaled(quantity, MILLI_IN_NANO, 3)


def is_countable(quantity: Quantity) -> bool:
    """Say whether the API server takes the amount for a whole number: it looks at the milli-units (D-11, R-3)."""
    return milli_value(quantity) % 1000 == 0


_PAIR: Final = re.compile(r"-?([0-9]{1,18})(?:(E|P|T|G|M|k)|e([0-9]+))")
_TENS: Final = {"k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_WRAPPING_STEPS: Final = frozenset({1, 2, 3, 6, 9})
"""Powers of ten by which the reference multiplies without noticing an overflow; for others it gives 0."""


def _scaled(quantity: Quantity, unit: int, digits: int) -> int:
    """Return the amount in units of that many nano, which are 10^-digits; it wraps or is 0 where it does not fit."""
    amount, rest = divmod(quantity.nano, unit)
    if rest:  # hardly ever
        amount = quantity.rounded_up(unit).nano // unit
    if -(2**63) <= amount < 2**63:
        return amount
    pair = _PAIR.fullmatch(str(quantity))
    if pair is not None:
        tens = _TENS[pair[2]] if pair[2] else int(pair[3])
        if tens + digits not in _WRAPPING_STEPS:
            return 0
    return (amount + 2**63) % 2**64 - 2**63
