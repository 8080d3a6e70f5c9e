"""The demo's beginning says what it promises, without a cluster."""

from __future__ import annotations

import pytest

from tests.controlplane import offline


@pytest.mark.slow
def test_a_manifest_is_refused_and_its_correction_fits() -> None:
    shown: list[str] = []
    offline.tell(shown.append)
    assert [text[0] for text in shown[::2]] == ["$", "$"]
    assert "quota" in shown[1]
