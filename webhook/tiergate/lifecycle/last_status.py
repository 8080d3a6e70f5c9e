"""What the status of a Tier says for good after an uninstallation: nobody keeps it any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from tiergate.cluster.api import MERGE_PATCH, Api
from tiergate.cluster.errors import ApiError, BodyTooLarge, Unreachable
from tiergate.cluster.resource import TIERS
from tiergate.cluster.tier_record import TierRecord, read_record
from tiergate.wire.tier_status import ENFORCING, READY, Condition, ConditionReason, write_patch

CONDITIONS: Final = (READY, ENFORCING)
_REASON: Final[ConditionReason] = "Uninstalled"
MESSAGE: Final = (
    "Tiergate was uninstalled: no webhook checks pods or sets defaults, and ResourceQuotas are not repaired; existing "
    "ResourceQuotas and the LimitRanges that were left behind stay in force"
)

Say = Callable[[str], None]


async def tell_uninstalled(api: Api, *, say: Say) -> None:
    """Set both conditions of every tier to False; what cannot be written is said, and stops nothing."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    try:
        async for raw in api.each(TIERS):
            try:
                record = read_record(raw)
            except msgspec.MsgspecError as error:
                say(f"the status of a tier that cannot be read does not say Uninstalled: {error}")
            else:
                await _tell(api, record, now, say)
    except (ApiError, Unreachable, BodyTooLarge, msgspec.MsgspecError) as error:
        say(f"the status of tiers does not say Uninstalled: {error}")


async def _tell(api: Api, record: TierRecord, now: str, say: Say) -> None:
    ours = [_condition(kind, record, now) for kind in CONDITIONS]
    others = [one for one in record.status.conditions if one.type not in CONDITIONS]
    status = msgspec.structs.replace(record.status, conditions=(*ours, *others))
    body = write_patch(status, over=record.status, resource_version=record.resource_version)
    try:
        await api.patch(TIERS, record.name, body, patch_type=MERGE_PATCH, subresource="status")
    except (ApiError, Unreachable) as error:
        say(f'the status of tier "{record.name}" does not say Uninstalled: {error}')


def _condition(kind: str, record: TierRecord, now: str) -> Condition:
    before = record.status.condition(kind)
    since = before.last_transition_time if before is not None and before.status == "False" else now
    return Condition(
        type=kind,
        status="False",
        reason=_REASON,
        message=MESSAGE,
        last_transition_time=since or now,
        observed_generation=record.generation,
    )
