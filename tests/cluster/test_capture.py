from __future__ import annotations

from pathlib import Path

import pytest

from tests.controlplane.binaries import KUBERNETES
from tests.controlplane.cluster import Cluster
from tests.golden.capture import CASES, capture
from tests.golden.operations import CAPTURED

pytestmark = pytest.mark.cluster


@pytest.mark.long
def test_a_new_capture_gives_the_same_reviews(bare_cluster: Cluster, tmp_path: Path) -> None:
    """The golden reviews are what this API server asks, byte by byte; it asks about nothing else."""
    if bare_cluster.plane is None:
        pytest.skip("the recorder is behind a loopback ClusterIP, which a given cluster does not have")
    capture(bare_cluster, tmp_path, wanted=lambda _: True, say=lambda _: None)
    changed = [case for case in CAPTURED if _review(tmp_path, case) != _review(CASES, case)]
    assert not changed, (
        f"Kubernetes {KUBERNETES} asks differently; `python -m tests.golden.capture` and review the diff"
    )


def _review(folder: Path, case: str) -> bytes:
    return (folder / case / "request.json").read_bytes()
