"""Compare the real server process with nginx: same load, interleaved rounds."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.apiserver import api_server
from bench.cpu import cpu_seconds
from bench.files import SERVER_NAME, Files
from bench.load import Load, Target
from bench.report import BASE, Sample, rows, table
from bench.review import SIZE, review
from bench.servers import CannotStartError, Server, nginx, tiergate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BUSY: Final = 0.5
"""Load average at the start from which on the numbers are doubtful."""
Contestant = tuple[str, Server, Target]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the comparison and print it; 1 if it cannot be run here."""
    options = _parser().parse_args(argv)
    print(
        f"{SIZE:,} byte review of a two-container pod, TLS 1.3, kept-alive connections; "
        f"{options.rounds} interleaved rounds of {options.seconds:g} s, medians. tiergate: whole admission with quota, "
        "log and metrics.",
        flush=True,
    )
    if (busy := os.getloadavg()[0]) > BUSY:
        print(f"This machine is busy (load {busy:.1f}): other programs cost Python more than nginx.", flush=True)
    with tempfile.TemporaryDirectory(prefix="tiergate-bench-") as folder, ExitStack() as stack:
        try:
            contestants = _start(Files.lay_down(Path(folder)), stack)
        except CannotStartError as error:
            print(error, file=sys.stderr)
            return 1
        samples = list(_measure(contestants, options.connections, options.rounds, options.seconds))
    print(table(rows(samples)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured (default 7)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one measurement (default 2)")
    parser.add_argument(
        *("--connections", "-c"),
        type=lambda text: tuple(map(int, text.split(","))),
        default=(1, 8),
        help="numbers of connections, separated by commas (default 1,8)",
    )
    return parser


def _start(files: Files, stack: ExitStack) -> list[Contestant]:
    """Start everything; what was started is ended by the stack."""
    base = stack.enter_context(nginx(files))
    ours = stack.enter_context(tiergate(files, stack.enter_context(api_server(files.tls))))
    bodies = {"/validate": review(defaulted=True), "/mutate": review(defaulted=False)}

    def target(server: Server, path: str) -> Target:
        return Target(server.port, SERVER_NAME, files.authority, path, bodies[path])

    return [
        (BASE, base, target(base, "/validate")),
        *((f"tiergate {path}", ours, target(ours, path)) for path in bodies),
    ]


def _measure(
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


if __name__ == "__main__":
    raise SystemExit(main())
