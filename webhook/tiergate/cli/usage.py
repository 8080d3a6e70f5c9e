"""``tiergate usage``: what the namespaces of tiers use."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from tiergate.cli.exit_codes import Exit
from tiergate.cli.live import add_connection, run_live

if TYPE_CHECKING:
    import argparse

DESCRIPTION: Final = (
    "what the namespaces of tiers use: bars, the largest consumers, and sums that quotas report wrongly"
)
EXAMPLE: Final = """\
examples:
  tiergate usage
  tiergate usage -n agents-dev
  watch tiergate usage --tier dev

exit codes: 0 shown, 2 wrong usage, 4 no cluster
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments of the command."""
    parser.epilog = EXAMPLE
    parser.add_argument(
        "-n", "--namespace", action="append", default=[], metavar="NAME", help="only these namespaces; repeatable"
    )
    parser.add_argument("--tier", metavar="NAME", help="only the namespaces of this tier")
    add_connection(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the table and return the exit code."""
    from tiergate.live.usage import read  # noqa: PLC0415 - --help needs no client
    from tiergate.live.usage_text import TableStyle, render  # noqa: PLC0415 - as above

    found = run_live(arguments, lambda api: read(api, namespaces=arguments.namespace))
    for one in found.missing:
        sys.stderr.write(f"not read from the cluster  {one}\n")
    governed = {namespace.name for tier in found.tiers for namespace in tier.namespaces}
    for name in arguments.namespace:
        if name not in governed:
            sys.stderr.write(f"namespace {name} is in no tier that can be read, or does not exist\n")
    style = TableStyle(
        colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
        unicode="utf" in (sys.stdout.encoding or "").lower(),
    )
    lines = render(found, style, tier=arguments.tier, empty=not arguments.namespace)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return Exit.OK
