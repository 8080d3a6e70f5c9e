"""What could not be read of a cluster, in one line."""

from __future__ import annotations

import pytest

from tiergate.wire.snapshot import Missing


@pytest.mark.parametrize(
    ("missing", "line"),
    [
        (Missing("Pod", "Forbidden"), "Pod objects: Forbidden"),
        (Missing("Pod", "Forbidden", namespace="dev"), "Pod objects in dev: Forbidden"),
        (Missing("Tier", "no answer", name="dev"), "Tier dev: no answer"),
        (Missing("ResourceQuota", "no answer", "dev", "tier"), "ResourceQuota tier in dev: no answer"),
    ],
)
def test_what_is_missing_is_said_in_one_line(missing: Missing, line: str) -> None:
    assert str(missing) == line
