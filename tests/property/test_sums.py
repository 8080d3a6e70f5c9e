"""Whatever happens to the objects of a namespace, what is kept of them is their sum.

> A sum changes by each object that comes, changes or goes; a sum made anew of all objects is the same.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW, a_claim, a_container, a_pod, a_quota
from tests.core.test_tally import a_resizing_pod
from tiergate.core.tally import Footprints, Tally, used
from tiergate.core.tier import ScopeRequirement

if TYPE_CHECKING:
    from tiergate.core.claim import Claim
    from tiergate.core.podspec import Pod

pytestmark = pytest.mark.property

HARD = dict.fromkeys(("pods", "count/pods", "requests.cpu", "limits.memory", "requests.storage"), "9")
QUOTAS = [
    a_quota(HARD),
    a_quota(HARD, scopes=("Terminating",)),
    a_quota(HARD, scopes=("NotBestEffort",)),
    a_quota(HARD, selector=(ScopeRequirement("PriorityClass", "In", ("high",)),)),
]


@st.composite
def subjects(draw: st.DrawFn) -> Pod | Claim:
    if draw(st.booleans()):
        return a_claim(draw(st.sampled_from(["1Gi", "1500M", "7"])))
    amount, memory = draw(st.sampled_from(["1m", "2", "0"])), draw(st.sampled_from(["64Mi", "1000", "0"]))
    pod = a_pod(a_container(requests={"cpu": amount}, limits={"memory": memory})) if draw(st.booleans()) else a_pod()
    return msgspec.structs.replace(
        draw(st.sampled_from([pod, a_resizing_pod()])),
        active_deadline_seconds=draw(st.sampled_from([None, 5, 6])),
        priority_class=draw(st.sampled_from(["", "high"])),
        deleted_at=draw(st.sampled_from([None, NOW - 31, NOW])),
        grace_seconds=30,
    )


events = st.lists(
    st.tuples(st.sampled_from(["dev/a", "dev/b", "dev/c", "prod/a"]), st.none() | subjects()), max_size=20
)


@given(events)
def test_the_sums_that_are_kept_are_those_made_anew(events: list[tuple[str, Pod | Claim | None]]) -> None:
    footprints, tally = Footprints(), Tally()
    stored: dict[str, Pod | Claim] = {}
    for key, subject in events:
        tally.set(key, None if subject is None else footprints.of(subject))
        stored.pop(key, None)
        if subject is not None:
            stored[key] = subject
        for namespace in ("dev", "prod"):
            anew = Counter(footprints.of(one) for key, one in stored.items() if key.startswith(namespace))
            kept = [(one, 1) for one in tally.sums(namespace)]
            for quota in QUOTAS:
                for now in (NOW, NOW + 31):
                    for minor in (36, 37):
                        expected = used(quota, anew.items(), now=now, minor=minor)
                        assert used(quota, kept, now=now, minor=minor) == expected
