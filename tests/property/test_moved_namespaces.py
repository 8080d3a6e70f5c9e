"""A namespace that moved between tiers while no controller led is bounded by the tier it is in.

> Its ResourceQuota keeps the bound of the tier it came from: 3,650m were admitted where 2 are allowed.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_container, a_pod, a_quota, a_request, a_tier, a_tier_quota, the_facts
from tiergate.core.decide import decide
from tiergate.core.quantity import ZERO, Quantity

pytestmark = pytest.mark.property

BOUNDS = [f"{cpus}" for cpus in range(5)]
steps = st.lists(st.tuples(st.sampled_from(BOUNDS), st.sampled_from(["100m", "950m", "1", "2500m"])), max_size=12)


@given(st.sampled_from(BOUNDS), steps)
def test_usage_never_grows_above_the_bound_of_the_tier(written: str, steps: list[tuple[str, str]]) -> None:
    """Each step is a pod in the tier of that bound; the quota object stays as the last leader wrote it."""
    used = ZERO
    for bound, asked in steps:
        tier = a_tier(quotas=[a_tier_quota({"requests.cpu": bound})])
        quota = a_quota({"requests.cpu": written}, {"requests.cpu": str(used)})
        facts = the_facts(tier, (quota,), fresh=frozenset({"quotas"}))
        if decide(a_request(a_pod(a_container(requests={"cpu": asked}))), facts).allowed:
            used += Quantity.parse(asked)
            assert used <= min(Quantity.parse(bound), Quantity.parse(written))
