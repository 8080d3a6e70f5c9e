"""Whether a forecast came true."""

from __future__ import annotations

from typing import Final

from tests.forecast.forecasts import Forecast
from tests.forecast.observing import Outcome
from tests.forecast.workloads import Change

EXACT: Final = "exact"
WARNED: Final = "warning of a problem that there was none of"
REFUSED: Final = "refusal of what runs completely"
WRONG: Final = (WARNED, REFUSED)
"""What must never be."""
IN_TURNS: Final = "pods of a Job that run in turns"
"""Those that do not fit now run when others are done, which here they are at once: neither right nor wrong."""
OVERRUN: Final = "a quota that native quota itself let overrun"
UNSETTLED: Final = "pods that waited until the end, though nothing was refused"
"""For a volume, say, which a busy scheduler looks at again after five minutes."""
APART: Final = (IN_TURNS, OVERRUN, UNSETTLED)
"""What says nothing of the forecast."""
LATE: Final = "claims that are tried again minutes after there is room for them"
"""The controller's pauses outlive the shortage. It is no exact forecast, and the cause has this name."""
MISSED: Final = "a problem that was not foreseen"
RAN: Final = "pods ran that never run"
OTHER_NUMBER: Final = "another number of pods ran"
NO_STALL: Final = "a rollout that ended otherwise than by stalling"
UNKNOWN: Final = "no forecast"


def judge(kind: str, change: Change, said: Forecast, seen: Outcome, before: Outcome) -> str:  # noqa: PLR0911, RUF100
    """Return in what a forecast was wrong, or that it came true exactly.

    ``before`` is what ran before the change, ``seen`` what does after it.
    """
    template_changes = change not in ("created", "up", "down")
    if not seen.settled:
        return UNSETTLED
    if seen.overrun and said.fate != "all":
        return OVERRUN
    match said.fate:
        case "unchecked" | "unasked":
            return UNKNOWN
        case "some" if kind in ("Job", "CronJob"):
            return IN_TURNS
        case "all":
            return EXACT if seen.done else LATE if seen.late else MISSED
        case _ if seen.done:
            return REFUSED if said.denied else WARNED
        case "never":
            ran = seen.updated if change == "created" or template_changes else seen.running - before.running
            return RAN if ran > 0 else EXACT
        case "stalls":
            return EXACT if seen.running > seen.updated else NO_STALL
    # Where old pods leave only as new ones come, fewer than fit may ever be made.
    right = seen.updated <= said.pods if template_changes else seen.running == said.pods
    return EXACT if right else OTHER_NUMBER
