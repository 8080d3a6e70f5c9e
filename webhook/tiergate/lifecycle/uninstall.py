"""Take an installation down so that governed namespaces stay usable.

Tiers, namespaces and ResourceQuotas stay. A ResourceQuota of limits.cpu refuses every pod that does not name one, and
nobody sets defaults any more: so each tier's Container item is left behind as a LimitRange, under the name and labels
with which the controller keeps one for ``nativeLimitRange``. The controller of a later installation then removes it by
its ordinary comparison.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from tiergate.cluster.api import Api, Propagation
from tiergate.cluster.errors import CONFLICT, NOT_FOUND, ApiError
from tiergate.cluster.registration import CONFIGURATION_KINDS, CONFIGURATION_NAME
from tiergate.cluster.resource import DEPLOYMENTS, LIMIT_RANGES, NAMESPACES, TIERS, Resource
from tiergate.cluster.tier_record import TierRecord, read_record
from tiergate.core.desired import UNSCOPED_NAME, native_quotas
from tiergate.core.tier import CONTAINER, LABEL, LimitRangeItem, Tier, is_protected
from tiergate.lifecycle.last_status import tell_uninstalled
from tiergate.wire.limitrange import write_limit_range
from tiergate.wire.namespace import read_namespace

CONTROLLER: Final = "tiergate-controller"
PATIENCE: Final = 120.0
"""Seconds for the controller's pods to end: more than their grace period."""
PAUSE: Final = 0.5
LIST_TIMEOUT: Final = 60.0

Say = Callable[[str], None]


class NotUninstalled(RuntimeError):
    """Something is in the way; the message says what and what to do."""


async def uninstall(api: Api, *, namespace: str, say: Say) -> None:
    """Stop the controller, leave defaults behind, take the webhooks away, say so in each tier; each can be repeated.

    Args:
        api: Whose user may do all that.
        namespace: Of the release.
        say: Gets one line for each thing done.

    Raises:
        NotUninstalled: The controller does not end, or a LimitRange cannot be written.
        ApiError, Unreachable: The API server refuses a step or does not answer.
    """
    await _stop_controller(api, namespace, say)
    await _leave_defaults(api, namespace, say)
    for kind, resource in CONFIGURATION_KINDS.items():
        gone = await _delete(api, resource, CONFIGURATION_NAME)
        say(f'{kind} "{CONFIGURATION_NAME}": {"removed" if gone else "was gone already"}')
    await tell_uninstalled(api, say=say)  # last: before, it would not be true


async def _stop_controller(api: Api, namespace: str, say: Say) -> None:
    """Delete the Deployment and wait until its pods are gone: they would remove what is left behind here."""
    await _delete(api, DEPLOYMENTS, CONTROLLER, namespace=namespace, propagation="Foreground")
    end = asyncio.get_running_loop().time() + PATIENCE
    while await api.get(DEPLOYMENTS, CONTROLLER, namespace=namespace) is not None:
        if asyncio.get_running_loop().time() > end:
            msg = (
                f"Deployment {CONTROLLER} is still there after {PATIENCE:g} s: its pods do not end. Nothing else was "
                "changed; remove them and uninstall again, or helm upgrade brings the controller back"
            )
            raise NotUninstalled(msg)
        await asyncio.sleep(PAUSE)
    say(f"Deployment {CONTROLLER}: stopped")


async def _leave_defaults(api: Api, release_namespace: str, say: Say) -> None:
    tiers = await _tiers(api, say)
    members = [read_namespace(raw) async for raw in api.each(NAMESPACES, query={"labelSelector": LABEL})]
    for one in members:
        record = tiers.get(one.tier or "")
        if record is None or one.deleting or is_protected(one.name, release_namespace=release_namespace):
            continue
        if record.valid is None:
            fault = f"{record.faults[0].pointer}: {record.faults[0].reason}"
            say(f'namespace "{one.name}": no defaults left behind: tier "{record.name}" cannot be in force: {fault}')
        elif (item := _left(record.valid.tier)) is not None:
            await _leave(api, one.name, record.name, item, say)


async def _tiers(api: Api, say: Say) -> dict[str, TierRecord]:
    """Return the tiers by name: a handover, too, goes by the last valid version of an invalid one."""
    try:
        listed = await api.list(TIERS, timeout=LIST_TIMEOUT)
    except ApiError as error:
        if error.status != NOT_FOUND:
            raise
        say("there is no kind Tier any more: no defaults to leave behind")
        return {}
    found = {record.name: record for record in map(read_record, listed)}
    for one in found.values():
        if one.faults and one.valid is not None:
            say(f'tier "{one.name}" cannot be in force as it is: its last valid version leaves defaults')
    return found


def _left(tier: Tier) -> LimitRangeItem | None:
    """Return the LimitRange item that a tier leaves: none without quotas, which is what pods would fail on."""
    if not native_quotas(tier):
        return None
    return next((one for one in tier.limits if one.type == CONTAINER), None)


async def _leave(api: Api, namespace: str, tier: str, item: LimitRangeItem, say: Say) -> None:
    where = f'namespace "{namespace}": LimitRange "{UNSCOPED_NAME}"'
    body = write_limit_range(UNSCOPED_NAME, [item], namespace=namespace, tier=tier)
    try:
        await api.create(LIMIT_RANGES, body, namespace=namespace)
    except ApiError as error:
        if error.status == NOT_FOUND:  # the namespace went meanwhile
            return
        if error.status != CONFLICT:
            msg = f"{where} cannot be written: {error}. The webhooks are still there; correct this and uninstall again"
            raise NotUninstalled(msg) from error
        say(f"{where} is there already, and stays as it is")
        return
    say(f"{where} left behind with the defaults of tier {tier}")


async def _delete(
    api: Api,
    resource: Resource,
    name: str,
    *,
    namespace: str | None = None,
    propagation: Propagation | None = None,
) -> bool:
    """Delete an object, whatever its version; say whether it was there."""
    try:
        await api.delete(resource, name, namespace=namespace, resource_version=None, propagation=propagation)
    except ApiError as error:
        if error.status == NOT_FOUND:
            return False
        raise
    return True
