"""``tiergate preflight``: what the chart asks before it creates anything."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tiergate.cli.exit_codes import Exit
from tiergate.lifecycle.preflight import NotReadable, check

if TYPE_CHECKING:
    import argparse


def preflight(arguments: argparse.Namespace) -> int:
    """Print every fault of the tiers in the file."""
    try:
        found = check(arguments.values)
    except NotReadable as error:
        sys.stderr.write(f"tiergate preflight: {error}\n")
        return Exit.UNREADABLE_INPUT
    for line in found:
        sys.stdout.write(f"{line}\n")
    return Exit.VIOLATIONS if found else Exit.OK
