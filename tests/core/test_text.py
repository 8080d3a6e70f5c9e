"""Text from outside on one line: what does not print is a blank, and what is cut ends in dots."""

from __future__ import annotations

import pytest

from tiergate.core.text import one_line, one_line_in_bytes

MOST = 6


@pytest.mark.parametrize(
    ("text", "in_characters", "in_bytes"),
    [
        pytest.param("abcdef", "abcdef", "abcdef", id="just-fits"),
        pytest.param("abcdefg", "abc...", "abc...", id="too-long"),
        pytest.param("a\nb", "a b", "a b", id="two-lines"),
        pytest.param("a\x1b[1m", "a [1m", "a [1m", id="colours"),
        pytest.param("a\ud800b", "a b", "a b", id="half-a-character"),
        pytest.param("üüü", "üüü", "üüü", id="two-bytes-each"),
        pytest.param("üüüü", "üüüü", "ü...", id="more-bytes-than-characters"),
    ],
)
def test_a_text_is_one_printable_line_and_not_too_long(text: str, in_characters: str, in_bytes: str) -> None:
    assert (one_line(text, MOST), one_line_in_bytes(text, MOST)) == (in_characters, in_bytes)
