"""A Tier object as a value: its spec where it can be read, what is wrong with it, and the status it has."""

from __future__ import annotations

import msgspec

from tiergate.cluster.meta import ObjectMeta
from tiergate.core.decision import Fault
from tiergate.core.tier import Tier
from tiergate.wire import Malformed
from tiergate.wire.tier import tier_and_faults
from tiergate.wire.tier_status import TierStatus, read_status


class TierRecord(msgspec.Struct, frozen=True):
    """A Tier object; ``faults`` is empty for one that can be in force."""

    name: str
    uid: str
    resource_version: str
    generation: int
    tier: Tier | None
    faults: tuple[Fault, ...]
    status: TierStatus


class TierInForce(msgspec.Struct, frozen=True):
    """The last valid version of a Tier and the ``metadata.generation`` it had."""

    tier: Tier
    generation: int


class _Object(msgspec.Struct):
    metadata: ObjectMeta
    status: msgspec.Raw = msgspec.Raw(b"null")


_read_object = msgspec.json.Decoder(_Object).decode


def read_record(raw: bytes) -> TierRecord:
    """Decode a Tier; a spec that cannot be read is a fault of the tier, not an error."""
    seen = _read_object(raw)
    tier, found = tier_and_faults(raw)
    meta = seen.metadata
    return TierRecord(
        name=meta.name,
        uid=meta.uid,
        resource_version=meta.resource_version,
        generation=meta.generation,
        tier=tier,
        faults=found,
        status=read_status(bytes(seen.status)),
    )


def read_valid_tier(raw: bytes) -> Tier:
    """Return a Tier that may be in force.

    Raises:
        Malformed: It does not decode, or says something a Tier may not say (all of it in one reason).
    """
    tier, found = tier_and_faults(raw)
    if tier is None or found:
        raise Malformed(found[0].pointer, reason_of(found))
    return tier


def reason_of(faults: tuple[Fault, ...]) -> str:
    """Return all faults in one text that follows the pointer of the first."""
    return faults[0].reason + "".join(f"; {one.pointer}: {one.reason}" for one in faults[1:])
