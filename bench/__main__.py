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
from bench.files import SERVER_NAME, Files
from bench.load import Target
from bench.report import BASE, rows, table
from bench.review import SIZE, review
from bench.rounds import Contestant, measured, with_rounds
from bench.servers import CannotStartError, Server, nginx, tiergate

if TYPE_CHECKING:
    from collections.abc import Sequence

BUSY: Final = 0.5
"""Load average at the start from which on the numbers are doubtful."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the comparison and print it; 1 if it cannot be run here."""
    options = with_rounds(argparse.ArgumentParser(prog="bench", description=__doc__)).parse_args(argv)
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
        samples = list(measured(contestants, options.connections, options.rounds, options.seconds))
    print(table(rows(samples)))
    return 0


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


if __name__ == "__main__":
    raise SystemExit(main())
