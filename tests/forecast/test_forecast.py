"""Sixty random workloads: nothing is told of or refused that would have run, and what is forecast comes true."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.differential.api import Api
from tests.forecast.running import run


@pytest.mark.cluster
async def test_what_a_workload_is_told_comes_true(
    kubeconfig: Path, capfd: pytest.CaptureFixture[str], seed: int
) -> None:
    """`make forecast` runs any number. The seed repeats a run."""
    async with Api.connect(kubeconfig) as api:
        report = await run(api, cases=60, seed=seed, say=lambda _: None)
    with capfd.disabled():
        print(f"\nforecast: {report}")
    shown = "\n".join(report.shown)
    assert report.good, f"{report}\n{shown}"
    pressed = sum(count for name, count in report.happened.items() if name.endswith("not done"))
    refused = sum(count for name, count in report.forecasts.items() if name.endswith("denied"))
    assert pressed > 10, "a generator that presses on nothing would be right, too"
    assert refused > 0, "where nothing is refused, nothing is refused wrongly"
