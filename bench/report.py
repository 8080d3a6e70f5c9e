"""From samples to ratios, and to text."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

BASE: Final = "nginx, static answer"
TARGETS: Final = {1: 5.5, 8: 7.5}
"""The most that a whole admission may cost, in nginx's CPU, by connections."""


@dataclass(frozen=True)
class Sample:
    """One server under load for one round."""

    server: str
    connections: int
    requests: int
    seconds: float
    cpu: float

    @property
    def cpu_microseconds(self) -> float:
        """CPU of one request."""
        return self.cpu / self.requests * 1e6

    @property
    def rate(self) -> float:
        """Requests in a second."""
        return self.requests / self.seconds


@dataclass(frozen=True)
class Row:
    """The medians of one server at one number of connections; ratios are medians of each round's own ratio."""

    server: str
    connections: int
    cpu_microseconds: float
    cpu_ratio: float
    rate: float
    rate_ratio: float


def rows(samples: Sequence[Sample], *, base: str = BASE) -> list[Row]:
    """Return one row for each server and number of connections, in the order they were measured, beside the base.

    A ratio is taken inside a round, where both were measured within seconds of each other: on a machine that others
    use too, the rounds differ more than the ratios do.
    """
    grouped: dict[tuple[int, str], list[Sample]] = {}
    for sample in samples:
        grouped.setdefault((sample.connections, sample.server), []).append(sample)
    return [_row(group, grouped[connections, base]) for (connections, _), group in grouped.items()]


def _row(group: Sequence[Sample], base: Sequence[Sample]) -> Row:
    pairs = list(zip(group, base, strict=True))
    return Row(
        server=group[0].server,
        connections=group[0].connections,
        cpu_microseconds=median(one.cpu_microseconds for one in group),
        cpu_ratio=median(one.cpu_microseconds / other.cpu_microseconds for one, other in pairs),
        rate=median(one.rate for one in group),
        rate_ratio=median(one.rate / other.rate for one, other in pairs),
    )


def table(found: Sequence[Row]) -> str:
    """Return the rows as text, and for each number of connections whether the target is reached."""
    width = max(len(row.server) for row in found)
    head = f"{'connections':>11}  {'server':<{width}}  {'CPU us':>7}  {'x nginx':>7}  {'req/s':>7}  {'of nginx':>8}"
    lines = (
        f"{row.connections:>11}  {row.server:<{width}}  {row.cpu_microseconds:>7.1f}  {row.cpu_ratio:>7.2f}"
        f"  {row.rate:>7.0f}  {row.rate_ratio:>8.2f}"
        for row in sorted(found, key=lambda row: row.connections)
    )
    return "\n".join([head, *lines, *_verdicts(found)])


def _verdicts(found: Sequence[Row]) -> list[str]:
    verdicts = []
    for connections, most in TARGETS.items():
        worst = max((row.cpu_ratio for row in found if row.connections == connections), default=None)
        if worst is not None:
            said = "reached" if worst <= most else "missed"
            verdicts.append(f"at {connections}: {worst:.2f} x nginx's CPU, the target is at most {most:g} x: {said}")
    return verdicts
