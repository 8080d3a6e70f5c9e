"""Every step of the engine that is taken out, next to the ids of the rules it is there for."""

from __future__ import annotations

from typing import Final

from tests.mutants.catalogue import (
    admission,
    completion,
    defaulting,
    index,
    modes,
    native,
    quantities,
    quotas,
    ranges,
    reading,
    tiers,
    usage,
)
from tests.mutants.mutant import Mutant

CATALOGUE: Final[tuple[Mutant, ...]] = (
    *ranges.STEPS,
    *defaulting.STEPS,
    *completion.STEPS,
    *usage.STEPS,
    *quotas.STEPS,
    *tiers.STEPS,
    *native.STEPS,
    *native.PROJECTIONS,
    *quantities.STEPS,
    *reading.STEPS,
    *index.STEPS,
    *modes.STEPS,
    *admission.STEPS,
)
