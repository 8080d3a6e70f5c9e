"""The pages of the index's benchmark are what an API server sends, and its verdicts are its numbers'."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.index import MIB, PAGE, POD_BYTES, Cost, measure_index, report, write_pages


@pytest.mark.slow
def test_pages_hold_distinct_real_pods_of_the_size_they_claim(tmp_path: Path) -> None:
    """Two pages that continue each other, and the index takes in every pod of them."""
    write_pages(tmp_path / "pods", PAGE + 10)
    first, second = (json.loads((tmp_path / "pods" / name).read_bytes()) for name in ("0", str(PAGE)))
    assert (first["metadata"]["continue"], "continue" in second["metadata"]) == (str(PAGE), False)
    pods = [*first["items"], *second["items"]]
    assert len({pod["metadata"]["uid"] for pod in pods}) == PAGE + 10
    sizes = {len(json.dumps(pod, separators=(",", ":"))) for pod in pods}
    assert all(abs(size - POD_BYTES) < 0.05 * POD_BYTES for size in sizes)
    assert measure_index(tmp_path / "pods").pods == PAGE + 10


@pytest.mark.parametrize(
    ("memory", "cpu", "verdicts"),
    [
        pytest.param(30, 1.0, ["reached", "reached"], id="at-the-bounds"),
        pytest.param(31, 1.0, ["missed", "reached"], id="too-much-memory"),
        pytest.param(30, 1.01, ["reached", "missed"], id="too-much-cpu"),
    ],
)
def test_verdicts(memory: int, cpu: float, verdicts: list[str]) -> None:
    """The models' cost is taken in proportion: 2 s for 1,000 of the 10,000 pods are 20 s."""
    ours = Cost(10_000, cpu, memory * MIB, memory * MIB)
    lines = report(ours, Cost(1_000, 2.0, 100 * MIB, 100 * MIB)).splitlines()
    assert [line.rpartition(": ")[2] for line in lines[-2:]] == verdicts
