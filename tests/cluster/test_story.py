from __future__ import annotations

import pytest

from tests.cluster.narrator import Narrator
from tests.cluster.story import STEPS
from tests.controlplane.cluster import Cluster

pytestmark = pytest.mark.cluster


def test_the_namespace_lesson(bare_cluster: Cluster, subtests: pytest.Subtests) -> None:
    """Every step holds, in order; a later step is not told when an earlier one failed."""
    narrator = Narrator(bare_cluster, show=print)
    for number, step in enumerate(STEPS, start=1):
        with subtests.test(step.title, number=number):
            step.tell(narrator)
            continue
        pytest.fail(f"the story ends at step {number}: {step.title}")
