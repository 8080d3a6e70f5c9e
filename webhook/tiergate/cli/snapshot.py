"""``tiergate snapshot``: what a check needs of a cluster, in one file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from tiergate.cli import output_file
from tiergate.cli.exit_codes import Exit
from tiergate.cli.live import add_connection, run_live

if TYPE_CHECKING:
    import argparse

DESCRIPTION: Final = "write tiers, namespaces and usage of a cluster to a file, for checks without access to it"
EXAMPLE: Final = """\
examples:
  tiergate snapshot > cluster.yaml
  tiergate check --usage cluster.yaml deploy/

Of each object it holds the fields that decisions read, and of no Secret or ConfigMap anything.
exit codes: 0 written, 2 wrong usage, 4 no cluster
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments of the command."""
    parser.epilog = EXAMPLE
    parser.add_argument(
        "-n", "--namespace", action="append", default=[], metavar="NAME", help="only these namespaces; repeatable"
    )
    parser.add_argument("--output-file", metavar="FILE", help="file to write; standard output by default")
    add_connection(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the snapshot and return the exit code."""
    from tiergate.live.snapshot import take  # noqa: PLC0415 - --help needs no client
    from tiergate.manifests.yaml_text import block  # noqa: PLC0415 - as above

    wanted = arguments.namespace
    found = run_live(arguments, lambda api: take(api, namespaces=wanted, everything=not wanted))
    text = "---\n".join("".join(f"{line}\n" for line in block(one)) for one in found.documents())
    for one in found.missing:
        sys.stderr.write(f"not read from the cluster  {one}\n")
    if arguments.output_file is None:
        sys.stdout.write(text)
    else:
        output_file.write(arguments.output_file, text)
    return Exit.OK
