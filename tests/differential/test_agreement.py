"""Random cases, natively and by us."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.differential.api import Api
from tests.differential.case import MIX
from tests.differential.running import Report, run

CASES = 2_000
"""A number and no time: a busy machine would compare too few, and the checks below need some of each."""

SPREAD = ("pod creates", "claim creates", "resizes")
"""The classes with cases under each of the 48 policies. The others are under a few, which may refuse everything."""


@pytest.mark.cluster
async def test_random_cases_end_as_they_do_natively(
    kubeconfig: Path, capfd: pytest.CaptureFixture[str], seed: int
) -> None:
    """`make differential` runs any number. The seed repeats a run."""

    async def compared() -> Report:
        async with Api.connect(kubeconfig) as api:
            return await run(api, cases=CASES, seed=seed, say=lambda _: None)

    report = await compared()
    with capfd.disabled():
        print(f"\n{report.by_class()}\ndifferential: {report}")
    assert not report.faults, f"{report}\n" + "\n".join(report.shown)
    # A generator that presses on nothing would agree too.
    assert all(report.stages[stage] > report.cases // 50 for stage in ("allowed", "range", "quota", "invalid"))
    for name, ended in report.ended.items():
        assert ended.total() > MIX[name] * report.cases // 200, f"too few {name}"
        if name in SPREAD:
            refused = ended["range"] + ended["quota"]
            assert min(ended["allowed"], refused) > 0, f"{name} press on nothing: {ended}"
