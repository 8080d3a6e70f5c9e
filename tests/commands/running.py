"""Runs a command of ``tiergate`` and keeps what it says."""

from __future__ import annotations

import pytest

from tests.check.running import Ran
from tiergate.cli.entry import main


class Program:
    """The program, in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Take what its output is read from."""
        self._capsys = capsys

    def __call__(self, *words: str) -> Ran:
        """Run it."""
        try:
            code = main(words)
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else -1
        captured = self._capsys.readouterr()
        return Ran(code, captured.out, captured.err)
