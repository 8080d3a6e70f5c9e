"""The help of a command that must start fast."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Final

_WIDTH: Final = 80
"""Where nobody knows how wide the terminal is."""


class Help(argparse.RawDescriptionHelpFormatter):
    """Finds the width by itself: argparse loads ``shutil`` and four compressions for it, for each command line."""

    def __init__(self, prog: str) -> None:
        """Take the name of the program."""
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or _WIDTH if sys.__stdout__ else _WIDTH
    except (ValueError, OSError):  # closed, or no terminal
        return _WIDTH
