"""Progress is for people who wait: on a terminal, after a second, not too often."""

from __future__ import annotations

import io
from typing import Final

import pytest

from tiergate.cli.progress import Progress

CLEAR: Final = "\r\033[K"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def said(stream: io.StringIO, times: list[float]) -> str:
    """Tell a progress of as many objects as there are times, and end it."""
    left = iter([0.0, *times])
    progress = Progress(stream, clock=lambda: next(left))
    for number, _ in enumerate(times, start=1):
        (progress.read if number % 2 else progress.judged)(number)
    progress.end()
    return stream.getvalue()


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param([0.1, 0.9], "", id="quick"),
        pytest.param([0.9, 1.0, 1.1, 1.3], f"{CLEAR}2 objects judged{CLEAR}4 objects judged{CLEAR}", id="slow"),
        pytest.param([5.0], f"{CLEAR}1 objects read{CLEAR}", id="one-long-step"),
    ],
)
def test_a_terminal_is_told_after_a_second_and_not_too_often(times: list[float], expected: str) -> None:
    assert said(Terminal(), times) == expected


def test_what_is_no_terminal_is_told_nothing() -> None:
    stream = io.StringIO()
    progress = Progress(stream, clock=iter([0.0, 9.0]).__next__)
    progress.read(1)
    progress.end()
    assert stream.getvalue() == ""
