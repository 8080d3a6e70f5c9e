"""Interleaved rounds: in each everybody is measured once, as the state of a machine changes from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.cpu import cpu_seconds
from bench.load import Load, Target
from bench.report import Sample
from bench.servers import Server

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

ROUNDS: Final = 7
SECONDS: Final = 2.0
CONNECTIONS: Final = (1, 8)
Contestant = tuple[str, Server, Target]


def with_rounds(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Return the parser with the options that say how long and how often is measured."""
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often each is measured (default {ROUNDS})")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help=f"length of one measurement (default {SECONDS:g})"
    )
    parser.add_argument(
        *("--connections", "-c"),
        type=lambda text: tuple(map(int, text.split(","))),
        default=CONNECTIONS,
        help="numbers of connections, separated by commas (default 1,8)",
    )
    return parser


def measured(
    contestants: Sequence[Contestant], connections: Sequence[int], rounds: int, seconds: float
) -> Iterator[Sample]:
    """Yield the samples; in each round everybody is measured once at each number of connections."""
    for number in range(rounds + 1):
        for count in connections:
            for name, server, target in contestants:
                sample = _sample(name, server, target, count, seconds)
                if number > 0:  # the first round warms caches, branch predictors and clocks
                    yield sample


def _sample(name: str, server: Server, target: Target, connections: int, seconds: float) -> Sample:
    with Load(target, connections) as load:
        before = cpu_seconds(server.pid)
        requests, elapsed = load.run(seconds)
        return Sample(name, connections, requests, elapsed, cpu_seconds(server.pid) - before)
