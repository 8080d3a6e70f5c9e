"""Policies that the API refuses as native objects are faults of a Tier."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.differential.api import Api
from tests.differential.wild import STRICTER, compare

CASES = 2500


@pytest.mark.cluster
async def test_a_tier_may_say_no_more_than_the_native_objects(kubeconfig: Path, seed: int) -> None:
    """It would be accepted, and its quota never written; and it may say less only on purpose."""

    async def compared() -> tuple[Counter[str], list[str]]:
        async with Api.connect(kubeconfig) as api:
            return await compare(api, cases=CASES, seed=seed)

    ended, wrong = await compared()
    assert not wrong, f"seed {seed}: {len(wrong)} of {CASES}, for example\n" + "\n".join(sorted(wrong, key=len)[:5])
    assert all(ended[kind] for kind in ("accepted", "refused", *list(STRICTER)[:4])), ended
