"""When Kubernetes' own engines take over from a webhook that nobody answers, and when they hand back: one pure step.

A handover is two writes in a fixed order: LimitRanges into every governed namespace, then failurePolicy Ignore. The way
back is the same in reverse: failurePolicy Fail, then the LimitRanges go. So Ignore implies that the LimitRanges are
there, whichever process dies between two steps: a step is decided from what the cluster shows, never from what was
done before.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Step = Literal["enforce", "prepare", "set-ignore", "keep", "set-fail"]
"""What is to be done now.

enforce: the webhook alone enforces, LimitRanges of a handover go.
prepare: LimitRanges are written where they are missing; requests are refused meanwhile.
set-ignore: all of them are there, failurePolicy becomes Ignore; a few namespaces may be excluded.
keep: handed over; the LimitRanges are kept right, and what is not covered is excluded.
set-fail: failurePolicy becomes what the release says, and the LimitRanges stay until that is seen.
"""

LimitRanges = Literal["written", "kept", "removed"]
"""What becomes of the LimitRanges of a handover; `kept` is neither written nor removed: it is not known yet."""

WRITING: Final = frozenset[Step]({"prepare", "set-ignore", "keep", "set-fail"})


class HandoverTiming(msgspec.Struct, frozen=True):
    """When to hand over and back.

    Attributes:
        after: Seconds of own probes without an answer of any replica.
        back_after: Seconds with answers and none missing.
        enabled: False: never hand over; what was handed over is handed back at once.
    """

    after: float = 15.0
    back_after: float = 30.0
    enabled: bool = True


class Seen(msgspec.Struct, frozen=True):
    """What the cluster shows.

    Attributes:
        marked: A webhook configuration carries the mark of a handover.
        opened: Every entry for pods and claims has failurePolicy Ignore.
        by_hand: Such an entry differs from the release without that mark: a decision of the operator, which stands.
        covered: Every governed namespace holds all that Kubernetes' own engines need, or may be excluded.
        unreachable: It is certain that the API server reaches no replica, and not only that we do not.
        silent_for: Seconds since the first probe that was not answered, 0 after an answer.
        answering_for: Seconds for which every probe was answered; 0 if the last one was not.
    """

    marked: bool = False
    opened: bool = False
    by_hand: bool = False
    covered: bool = False
    unreachable: bool = False
    silent_for: float = 0.0
    answering_for: float = 0.0


def next_step(seen: Seen, timing: HandoverTiming) -> Step:
    """Return what is to be done now."""
    if seen.marked:
        if not timing.enabled or seen.answering_for >= timing.back_after:
            return "set-fail"
        if seen.opened or seen.answering_for > 0:
            return "keep"
        # Killed between two configurations, or a chart upgrade has set failurePolicy again.
        return "set-ignore" if seen.covered else "prepare"
    if not timing.enabled or seen.by_hand:
        return "enforce"
    if seen.unreachable and seen.silent_for >= timing.after:
        return "set-ignore" if seen.covered else "prepare"
    return "enforce"
