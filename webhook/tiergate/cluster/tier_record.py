"""A Tier object as a value: its spec where it can be read, what is wrong with it, and the status it has."""

from __future__ import annotations

import msgspec

from tiergate.cluster.meta import ObjectMeta
from tiergate.core.decision import Fault
from tiergate.core.tier import Tier
from tiergate.wire import Malformed
from tiergate.wire.tier import tier_and_faults
from tiergate.wire.tier_status import KeptSpec, TierStatus, read_status


class TierRecord(msgspec.Struct, frozen=True):
    """A Tier object; ``faults`` is empty for one that can be in force."""

    name: str
    uid: str
    resource_version: str
    generation: int
    tier: Tier | None
    faults: tuple[Fault, ...]
    status: TierStatus
    valid: TierInForce | None
    """This version where it can be in force, else the one that its status keeps; None where none is kept."""


class TierInForce(msgspec.Struct, frozen=True):
    """The last valid version of a Tier, decoded and as it was written."""

    tier: Tier
    written: KeptSpec

    @property
    def generation(self) -> int:
        """The ``metadata.generation`` it had."""
        return self.written.generation


class _Object(msgspec.Struct):
    metadata: ObjectMeta
    spec: msgspec.Raw = msgspec.Raw(b"null")
    status: msgspec.Raw = msgspec.Raw(b"null")


_read_object = msgspec.json.Decoder(_Object).decode
_read_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def read_record(raw: bytes) -> TierRecord:
    """Decode a Tier; a spec that cannot be read is a fault of the tier, not an error."""
    seen = _read_object(raw)
    tier, found = tier_and_faults(raw)
    meta, status = seen.metadata, read_status(bytes(seen.status))
    if tier is not None and not found:
        valid: TierInForce | None = TierInForce(tier, KeptSpec(meta.generation, bytes(seen.spec).decode()))
    else:
        valid = _kept(meta.name, status)
    return TierRecord(
        name=meta.name,
        uid=meta.uid,
        resource_version=meta.resource_version,
        generation=meta.generation,
        tier=tier,
        faults=found,
        status=status,
        valid=valid,
    )


def _kept(name: str, status: TierStatus) -> TierInForce | None:
    """Return the version that the status keeps, None where none is kept that this release calls valid."""
    if (kept := status.in_force) is None:
        return None
    try:
        document = {"metadata": {"name": name}, "spec": _read_members(kept.spec)}
    except (msgspec.DecodeError, RecursionError):
        return None
    tier, faults = tier_and_faults(msgspec.json.encode(document))
    return None if tier is None or faults else TierInForce(tier, kept)


def read_valid_tier(raw: bytes) -> Tier:
    """Return the version of a Tier that is in force by what the object says.

    Raises:
        Malformed: There is none; all that is wrong with the latest one in one reason.
    """
    record = read_record(raw)
    if record.valid is None:
        raise Malformed(record.faults[0].pointer, reason_of(record.faults))
    return record.valid.tier


def reason_of(faults: tuple[Fault, ...]) -> str:
    """Return all faults in one text that follows the pointer of the first."""
    return faults[0].reason + "".join(f"; {one.pointer}: {one.reason}" for one in faults[1:])
