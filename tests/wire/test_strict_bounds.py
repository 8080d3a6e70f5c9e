from __future__ import annotations

import pytest

from tiergate.wire import NotJson, strict


def test_a_document_of_more_values_than_can_be_explained_in_time_is_refused() -> None:
    """The slow decoder is open to whoever reaches the port: its work is bounded, whatever the body's size."""
    most = strict.MAX_VALUES - 1  # the array itself is one
    assert strict.parse(b"[" + b",".join([b"1"] * most) + b"]") == ["1"] * most
    with pytest.raises(NotJson, match=f"more than {strict.MAX_VALUES} values"):
        strict.parse(b"[" + b",".join([b"1"] * (most + 1)) + b"]")
