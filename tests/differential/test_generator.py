"""What the generator makes, without a server."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from tests import builders
from tests.builders import SERVER, validated
from tests.differential import ours, predicting, several
from tests.differential.case import Case, request, updated
from tests.differential.differences import DIFFERENCES, HELD_SUM, POD_LEVEL_MIN, Seen
from tests.differential.outcome import refused
from tests.differential.overheads import AGAIN, decimals, is_decimal
from tests.differential.pods import a_pod
from tests.differential.policies import Policy, with_several_ranges
from tests.differential.spelling import fractional, scope_key, spellings
from tests.differential.strategies import cases, policies, randoms, resizes, several_ranges
from tiergate.core import native, quota_rules, validity
from tiergate.core.podlevel import completed
from tiergate.core.podspec import Container, Pod
from tiergate.core.quantity import MILLI_IN_NANO, Quantity
from tiergate.core.release import NEWEST

some = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
MI = 2**20 * 1000


@pytest.mark.parametrize("milli", [0, 1, 999, 1000, 1500, 1536 * MI, 1024 * MI, 10**12 + 1, 10**12])
def test_all_spellings_of_an_amount_mean_the_same(milli: int) -> None:
    texts = [one if isinstance(one, str) else bytes(one).decode() for one in spellings(milli)]
    assert {Quantity.parse(text).nano for text in (*texts, fractional(milli))} == {milli * MILLI_IN_NANO}


@pytest.mark.parametrize(
    ("text", "held"),
    [
        pytest.param("1.5Gi", True, id="a-fraction-in-a-binary-unit"),
        pytest.param("100.0Mi", True, id="a-fraction-of-zero"),
        pytest.param("1536Mi", False, id="a-binary-unit"),
        pytest.param("100Ti", True, id="a-binary-unit-of-many-digits"),
        pytest.param("10Ti", False, id="a-binary-unit-of-fewer-digits"),
        pytest.param("9223372036854775807", True, id="nineteen-digits"),
        pytest.param("104857600000000000n", False, id="eighteen-digits"),
        pytest.param("0.5", False, id="a-fraction-without-a-unit"),
    ],
)
def test_how_the_server_holds_an_amount_is_seen_by_its_text(text: str, held: bool) -> None:  # noqa: FBT001
    """Q-7."""
    assert is_decimal(text) == held
    assert decimals({"limits": {"memory": text}}, Policy({"limits": []})) == ({"memory"} if held else set())


@pytest.mark.parametrize(
    "name", [*(one.name for one in DIFFERENCES), HELD_SUM, AGAIN, predicting.BEYOND, several.ORDER]
)
def test_every_reason_is_documented(name: str) -> None:
    assert f"| `{name}` |" in (Path(__file__).parents[2] / "docs/differences.md").read_text()


def test_two_spellings_of_one_set_of_scopes_have_one_usage() -> None:
    values = ({"scopeName": "VolumeAttributesClass", "operator": "NotIn", "values": [*one]} for one in ("ab", "ba"))
    assert len({scope_key({"scopeSelector": {"matchExpressions": [one]}}) for one in values}) == 1


@pytest.mark.slow
@pytest.mark.property
@some
@given(policies)
def test_every_policy_can_be_a_tier(policy: Policy) -> None:
    """Each quota is in one of the objects that the controller would make, as known, with a bound that is no larger."""
    governed = ours.governed(policy)
    for single in governed.quotas:
        assert any(
            one.hard.keys() >= single.hard.keys()
            and all(one.hard[name] <= single.hard[name] for name in single.hard)
            and all(one.used.get(name) == single.used.get(name) for name in single.hard)
            for one in governed.tier_quotas
        )


@pytest.mark.slow
@pytest.mark.property
@some
@given(cases())
def test_defaults_never_make_a_valid_pod_invalid(case: Case) -> None:
    """As far as we can predict the API's validation; a run against a server checks the same, and the predicting."""
    sent = ours.ask("validate", msgspec.json.encode(case.document), case.document["kind"]).subject
    if isinstance(sent, Pod) and not validity.invalid(completed(sent, minor=NEWEST)):
        _, valid = predicting.by_us(sent, ours.governed(case.policy).tier, minor=NEWEST)
        assert valid


@pytest.mark.slow
@pytest.mark.property
@some
@given(several_ranges, randoms)
def test_without_ambiguities_the_order_of_limit_ranges_changes_no_pod(policy: Policy, random: Random) -> None:
    """L-7: a pod that is said to be defined is; what is ambiguous is so for a container without anything."""
    objects = ours.governed(policy).objects
    document = a_pod(random, policy.focused(random))
    sent = ours.ask("validate", msgspec.json.encode(document), "Pod").subject
    assert isinstance(sent, Pod)
    bare = Pod(containers=(Container("c", "/spec/containers/0"),))
    orders = list(permutations(objects))
    if native.ambiguities(objects):
        ends = [native.with_native_defaults(bare, order) for order in orders]
        assert any(end != ends[0] for end in ends)
    if native.is_defined(sent, objects):
        ends = [native.with_native_defaults(sent, order) for order in orders]
        assert all(end == ends[0] for end in ends)


def test_a_pod_level_value_of_zero_is_below_min_too() -> None:
    pod = builders.a_pod(builders.a_container(requests={"cpu": "0"}), limits={"cpu": "0"})
    tier = builders.a_tier(builders.an_item(low={"cpu": "100m"}))
    assert POD_LEVEL_MIN.applies(Seen(pod, pod, tier))


def test_pods_press_on_several_limit_ranges_from_both_sides() -> None:
    """A run against a server has too few such policies to ask it of them."""
    ends: Counter[str] = Counter()
    for number in range(200):
        random = Random(number)  # noqa: S311  # repeatable
        policy = with_several_ranges(random)
        governed = ours.governed(policy)
        document = a_pod(random, policy.focused(random))
        sent = ours.ask("validate", msgspec.json.encode(document), "Pod").subject
        ends[predicting.natively(sent, governed.objects, quotas=governed.quotas, minor=NEWEST).stage] += 1
    assert min(ends["allowed"], ends["range"], ends["quota"]) >= 10, ends


def resized(case: Case) -> tuple[Pod, Pod]:
    """Return the pod that stands, and the one that is asked for."""
    assert case.standing is not None
    stored = {**case.standing.document, "status": case.standing.status}
    asked = ours.ask(
        "validate", msgspec.json.encode(updated(stored, case.document)), "Pod", old=msgspec.json.encode(stored)
    )
    assert isinstance(asked.subject, Pod)
    assert isinstance(asked.old, Pod)
    return asked.old, asked.subject


@pytest.mark.slow
@pytest.mark.property
@some
@given(resizes())
def test_a_resize_that_changes_nothing_breaks_no_bound(case: Case) -> None:
    """R-50: nothing grows; L-28: nothing is judged again. Values that a quota demands are demanded all the same."""
    old, _ = resized(case)
    governed = ours.governed(case.policy)
    found = validated(old, old=old, tier=governed.ranges, quotas=governed.quotas).findings
    assert {one.rule for one in found} <= {"quota-required", "quota-pending"}


@pytest.mark.slow
@pytest.mark.property
@some
@given(resizes())
def test_a_resize_is_charged_no_more_than_a_create(case: Case) -> None:
    """R-50: the increase is at most the whole, so a bound that a resize breaks, the same pod created breaks too."""
    old, new = resized(case)
    quotas = ours.governed(case.policy).quotas
    grown, whole = (
        {
            (one.quota, one.resource)
            for one in quota_rules.exceeded(quota_rules.ObjectCase(new, before, ours.tier_of({}), quotas, **SERVER))
        }
        for before in (old, None)
    )
    assert grown <= whole


@pytest.mark.parametrize("verb", ["PUT", "PATCH"])
def test_an_update_asks_for_the_whole_object(verb: str) -> None:
    stored = {"metadata": {"name": "p", "resourceVersion": "1"}, "spec": {"containers": [{"name": "a"}]}}
    document = {"kind": "Pod", "verb": verb, "changes": {"/spec/containers/0/resources": {"limits": {"cpu": "1"}}}}
    method, _, body = request(stored, document)
    assert method == verb
    assert updated(stored, document)["spec"]["containers"] == [{"name": "a", "resources": {"limits": {"cpu": "1"}}}]
    sent = msgspec.json.decode(body)
    if verb == "PUT":  # without a resourceVersion: what stands is replaced, whatever its status has become
        assert sent == {"metadata": {"name": "p"}, "spec": updated(stored, document)["spec"]}
    else:
        assert sent == [{"op": "add", "path": "/spec/containers/0/resources", "value": {"limits": {"cpu": "1"}}}]


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
