"""How a workload replaces its pods: ``strategy`` and ``updateStrategy``."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from tiergate.core.memo import Memo, is_short
from tiergate.core.workload import NONE, ONE_POD, QUARTER, RECREATE, IntOrPercent, Rollout
from tiergate.core.workload_kind import WorkloadKind
from tiergate.wire.malformed import Faults
from tiergate.wire.types import Int64, IntOrString, Name

_PERCENT: Final = re.compile(r"[0-9]{1,9}%")
_NO_SHARE: Final = "expected a number of pods or a percentage of them"


class RollingUpdate(msgspec.Struct):
    """``rollingUpdate`` of any strategy."""

    maxSurge: IntOrString | None = None
    maxUnavailable: IntOrString | None = None
    partition: Int64 | None = None


class Strategy(msgspec.Struct):
    """``strategy`` of a Deployment, ``updateStrategy`` of others."""

    type: Name | None = None
    rollingUpdate: RollingUpdate | None = None


def to_rollout(kind: WorkloadKind, strategy: Strategy | None, faults: Faults) -> Rollout | None:
    """Return how pods are replaced, with the API server's defaults for what is not written."""
    update, how = (strategy and strategy.rollingUpdate) or RollingUpdate(), (strategy and strategy.type) or ""
    surge, fewer = update.maxSurge, update.maxUnavailable
    match kind:
        case "Deployment":
            if how == "Recreate":
                return RECREATE
            more = _share(surge, QUARTER, "/spec/strategy/rollingUpdate/maxSurge", faults)
            return Rollout(more, _share(fewer, QUARTER, "/spec/strategy/rollingUpdate/maxUnavailable", faults))
        case "StatefulSet" | "DaemonSet":
            if how == "OnDelete":
                return None
            surges = surge if kind == "DaemonSet" else None
            more = _share(surges, NONE, "/spec/updateStrategy/rollingUpdate/maxSurge", faults)
            gone = _share(fewer, ONE_POD, "/spec/updateStrategy/rollingUpdate/maxUnavailable", faults)
            return Rollout(more, gone, max(0, update.partition or 0))
        case _:
            return None


def _share(written: int | str | None, default: IntOrPercent, pointer: str, faults: Faults) -> IntOrPercent:
    if written is None:
        return default
    if isinstance(written, int) and written >= 0:
        return IntOrPercent(written)
    share = _PERCENTAGES[written] if isinstance(written, str) else None
    if share is None:
        faults.add(pointer, _NO_SHARE)
        return default
    return share


def _percentage(text: str) -> IntOrPercent | None:
    return IntOrPercent(int(text[:-1]), percent=True) if _PERCENT.fullmatch(text) else None


_PERCENTAGES: Final = Memo(_percentage, is_short)
