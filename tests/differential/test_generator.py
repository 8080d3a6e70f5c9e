"""What the generator makes, without a server."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from tests.differential import foretelling, ours
from tests.differential.comparing import Case
from tests.differential.differences import DIFFERENCES, Difference
from tests.differential.outcome import refused
from tests.differential.policies import Policy
from tests.differential.spelling import spellings
from tests.differential.strategies import cases, policies
from tiergate.core import validity
from tiergate.core.podlevel import completed
from tiergate.core.podspec import Pod
from tiergate.core.quantity import MILLI_IN_NANO, Quantity
from tiergate.core.release import NEWEST

some = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
MI = 2**20 * 1000


@pytest.mark.parametrize("milli", [0, 1, 999, 1000, 1500, 1536 * MI, 1024 * MI, 10**12 + 1, 10**12])
def test_all_spellings_of_an_amount_mean_the_same(milli: int) -> None:
    texts = [one if isinstance(one, str) else bytes(one).decode() for one in spellings(milli)]
    assert {Quantity.parse(text).nano for text in texts} == {milli * MILLI_IN_NANO}


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda one: one.name)
def test_every_difference_is_documented(difference: Difference) -> None:
    assert f"| `{difference.name}` |" in (Path(__file__).parents[2] / "docs/differences.md").read_text()


@pytest.mark.property
@some
@given(policies)
def test_every_policy_can_be_a_tier(policy: Policy) -> None:
    """Each quota is in one of the objects that the controller would make, with a bound that is no larger."""
    governed = ours.governed(policy)
    for quota in governed.quotas:
        assert any(
            one.hard.keys() >= quota.hard.keys() and all(one.hard[name] <= quota.hard[name] for name in quota.hard)
            for one in governed.tier_quotas
        )


@pytest.mark.property
@some
@given(cases())
def test_defaults_never_make_a_valid_pod_invalid(case: Case) -> None:
    """As far as we can foretell the API's validation; a run against a server checks the same, and the foretelling."""
    sent = ours.ask("validate", msgspec.json.encode(case.document), case.document["kind"]).subject
    if isinstance(sent, Pod) and not validity.invalid(completed(sent, minor=NEWEST)):
        _, valid = foretelling.by_us(sent, ours.governed(case.policy).tier, minor=NEWEST)
        assert valid


MESSAGES = {
    'pods "web-0" is forbidden: maximum cpu usage per Container is 1, but limit is 1500m': {
        ("max", "Container", "cpu", "limit", 1500 * 10**6, 10**9)
    },
    'pods "w" is forbidden: [maximum cpu usage per Container is 1, but limit is 1500m, minimum memory usage per '
    "Container is 1k, but request is 1.]": {
        ("max", "Container", "cpu", "limit", 1500 * 10**6, 10**9),
        ("min", "Container", "memory", "request", 10**9, 1000 * 10**9),
    },
    'pods "w" is forbidden: maximum memory usage per Pod is 1Gi.  No limit is specified': {
        ("max", "Pod", "memory", "limit", None, 2**30 * 10**9)
    },
    'pods "w" is forbidden: [cpu max limit to request ratio per Container is 2, but provided ratio is 3.333333, '
    "cpu max limit to request ratio per Pod is 1500m, but no request is specified or request is 0]": {
        ("ratio", "Container", "cpu", "provided ratio", 2 * 10**9),
        ("ratio", "Pod", "cpu", "no request", 1500 * 10**6),
    },
    'pods "w" is forbidden: exceeded quota: q, requested: cpu=2,requests.cpu=2, used: cpu=0,requests.cpu=500m, '
    "limited: cpu=1,requests.cpu=01": {
        ("exceeded", "q", "cpu", 2 * 10**9, 0, 10**9),
        ("exceeded", "q", "requests.cpu", 2 * 10**9, 5 * 10**8, 10**9),
    },
    'pods "w" is forbidden: exceeded quota: q, requested: memory=8796093022528Mi, used: memory=0, limited: memory=0': {
        ("exceeded", "q", "memory", (2**63 + 320 * 2**20) * 10**9, 0, 0)
    },
    'pods "w" is forbidden: failed quota: q: must specify cpu for: a,b; limits.memory for: a': {
        ("required", "q", "requests.cpu", "a"),
        ("required", "q", "requests.cpu", "b"),
        ("required", "q", "limits.memory", "a"),
    },
    'pods "w" is forbidden: status unknown for quota: q, resources: cpu,pods': {("unknown", "q")},
}


@pytest.mark.parametrize("message", MESSAGES, ids=range(len(MESSAGES)))
def test_refusals_are_read(message: str) -> None:
    assert refused(message).problems == MESSAGES[message]


def test_a_refusal_by_somebody_else_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="neither"):
        refused('pods "w" is forbidden: error looking up service account')
