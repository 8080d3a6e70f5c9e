"""Tiers as people write them: what the API server would refuse, or drop without a word, is a fault."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Final, get_args

import msgspec

from tiergate.core.decision import Fault
from tiergate.core.jsonpatch import escape
from tiergate.core.tier import Tier
from tiergate.manifests.tier_schema import beyond_schema
from tiergate.wire.tier import TierSpec, tier_and_faults

MAX_FAULTS: Final = 20
"""Faults that are told."""


def written_tier(raw: bytes) -> tuple[Tier | None, tuple[Fault, ...]]:
    """Return a tier as ``tier_and_faults`` does, what only the API server refuses among the faults."""
    tier, faults = tier_and_faults(raw)
    return tier, (*schema_faults(raw), *faults)


def schema_faults(raw: bytes) -> tuple[Fault, ...]:
    """Return the fields of a Tier's spec that there are not, and what else only its definition refuses.

    () where the bytes are no object at all.
    """
    try:
        found = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return ()
    spec = found.get("spec") if isinstance(found, dict) else None
    return tuple(islice(chain(_unknown(spec, TierSpec, "/spec"), beyond_schema(spec)), MAX_FAULTS))


def _unknown(value: Any, shape: type[msgspec.Struct], pointer: str) -> Iterator[Fault]:  # noqa: ANN401  # any value of JSON
    """Yield the members of a value that its shape does not have."""
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _unknown(one, shape, f"{pointer}/{index}")
    elif isinstance(value, dict):
        fields = {field.encode_name: _shape(field.type) for field in msgspec.structs.fields(shape)}
        for name, one in value.items():
            where = f"{pointer}/{escape(name)}"
            if name not in fields:
                yield Fault(where, "no such field")
            elif (inner := fields[name]) is not None:
                yield from _unknown(one, inner, where)


def _shape(of: Any) -> type[msgspec.Struct] | None:  # noqa: ANN401  # a type as it is annotated
    """Return the shape of the objects that a field holds, None where it holds others."""
    if isinstance(of, type) and issubclass(of, msgspec.Struct):
        return of
    return next((found for one in get_args(of) if (found := _shape(one)) is not None), None)
