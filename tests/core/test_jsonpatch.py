"""Names inside JSON pointers."""

from __future__ import annotations

import pytest

from tiergate.core.jsonpatch import JSONPatchOp, add, escape


@pytest.mark.rule("X-1")
@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        pytest.param("cpu", "cpu", id="plain"),
        pytest.param("nvidia.com/gpu", "nvidia.com~1gpu", id="X-1-slash"),
        pytest.param("a~b", "a~0b", id="X-1-tilde"),
        pytest.param("a~1b", "a~01b", id="X-1-tilde-first"),
    ],
)
def test_a_name_is_escaped(name: str, escaped: str) -> None:
    assert escape(name) == escaped
    assert add("/limits", name, "1") == JSONPatchOp("add", f"/limits/{escaped}", "1")
