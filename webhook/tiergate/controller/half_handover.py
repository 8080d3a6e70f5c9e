"""A handover of which one webhook configuration lost the mark: each is handed back by its own mark alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tiergate.cluster.registration import Registration

MARK_AFTER: Final = 10.0
"""Seconds after which the mark is set again: whoever ends a handover by hand takes one mark away after the other, as
break-glass.sh does, and that stands."""


class HalfHandover:
    """Which configurations fail open without a mark while another one has it, and since when."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take a monotonic clock in seconds."""
        self._clock = clock
        self._began = 0.0
        self.unmarked: tuple[Registration, ...] = ()
        self.since = ""
        """The mark of the other one."""

    def look(self, registrations: Iterable[Registration]) -> None:
        """Take what the cluster shows."""
        every, before = tuple(registrations), self.unmarked
        self.since = next((one.handed_over_since for one in every if one.handed_over_since), "")
        self.unmarked = tuple(one for one in every if one.is_open_unmarked) if self.since else ()
        if not before:
            self._began = self._clock()

    @property
    def is_new(self) -> bool:
        """Whether somebody may still be about to take the other mark away, too."""
        return bool(self.unmarked) and self._clock() - self._began < MARK_AFTER
