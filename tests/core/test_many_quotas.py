"""Of one object no more problems are looked for than anybody reads."""

from __future__ import annotations

from tests.builders import a_container, a_pod, a_quota, a_request, a_tier, the_facts
from tiergate.core.decide import decide
from tiergate.core.rules import MAX_FINDINGS


def test_no_more_problems_are_looked_for_than_anybody_reads() -> None:
    """Whoever may write ResourceQuotas can have a hundred that each demand what each container lacks."""
    demanding = tuple([a_quota({"limits.cpu": "1", "cpu": "1"}, name=f"a-{n}", managed=False) for n in range(100)])
    lacking = a_request(a_pod(*[a_container(f"c-{number}") for number in range(100)]))
    facts = the_facts(a_tier(), demanding, fresh=frozenset({"quotas"}))
    assert len(decide(lacking, facts).findings) == MAX_FINDINGS
