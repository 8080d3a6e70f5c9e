"""What is measured is a whole check of what it says, and the report's verdicts are its numbers'."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.check import DEPLOYMENT, MOST_MEMORY, ONE, THOUSAND, Run, Sample, measured, report
from tests.check.running import Folder


def test_the_deployment_is_governed_and_fits(folder: Folder) -> None:
    from bench.check import TIERS

    folder.write({"one.yaml": DEPLOYMENT.format(n=0)})
    ran = folder.check("--tiers", str(TIERS), "--usage", "none", "-o", "json", "one.yaml")
    (result,) = ran.report["objects"]
    assert (result["outcome"], result["tier"]) == ("pass", "dev")


@pytest.mark.slow
@pytest.mark.long
def test_both_contests_are_measured_in_every_round_but_the_first(tmp_path: Path) -> None:
    samples = measured(tmp_path, rounds=1)
    assert [sample.contest for sample in samples] == [ONE, THOUSAND]
    assert all(sample.check.cpu > 0 < sample.base.cpu for sample in samples)


@pytest.mark.parametrize(
    ("cpu", "memory", "verdict"),
    [
        pytest.param(THOUSAND.most, MOST_MEMORY, "reached", id="at-the-targets"),
        pytest.param(THOUSAND.most + 0.01, 1, "missed", id="slow"),
        pytest.param(1, MOST_MEMORY + 1, "missed", id="large"),
    ],
)
def test_report_says_whether_the_targets_are_reached(cpu: float, memory: float, verdict: str) -> None:
    text, reached = report([Sample(ONE, Run(1, 1), Run(1, 1)), Sample(THOUSAND, Run(cpu, memory), Run(1, 1))])
    assert text.endswith(verdict)
    assert reached == (verdict == "reached")
