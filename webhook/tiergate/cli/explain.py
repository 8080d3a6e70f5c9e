"""``tiergate explain``: a rule in a few lines."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from tiergate.cli.exit_codes import Exit

if TYPE_CHECKING:
    import argparse

DESCRIPTION: Final = "what a rule asks, why, what passes it and where its bounds come from"
EXAMPLE: Final = """\
examples:
  tiergate explain limit-max
  tiergate explain workload-never-runs/limit-max

exit codes: 0 explained, 2 no such rule
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments of the command."""
    parser.epilog = EXAMPLE
    parser.add_argument(
        "rule", nargs="?", metavar="RULE", help="a rule as a refusal or a report names it; all if left out"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the explanation and return the exit code."""
    from tiergate.check import explaining  # noqa: PLC0415 - --help needs no rules
    from tiergate.check.rule_texts import NoAddress  # noqa: PLC0415 - as above

    if arguments.rule is None:
        lines = list(explaining.every())
    else:
        try:
            lines = list(explaining.explained(arguments.rule))
        except (explaining.UnknownRule, NoAddress) as error:
            sys.stderr.write(f"tiergate explain: {error}\n")
            return Exit.USAGE
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return Exit.OK
