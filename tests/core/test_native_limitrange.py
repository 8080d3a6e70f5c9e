"""What Kubernetes' own LimitRanger says, word for word (L-1, L-7, L-10, L-20 to L-26, L-40 to L-42)."""

from __future__ import annotations

import pytest

from tests.builders import Texts, a_claim, a_container, a_pod, an_item, texts
from tests.differential import exactly
from tiergate.core.claim import Claim
from tiergate.core.native import LimitRange, ambiguities, refusals, sentence, with_native_defaults
from tiergate.core.podspec import Pod
from tiergate.core.projection import milli_value, value
from tiergate.core.quantity import Quantity
from tiergate.core.tier import LimitRangeItem


def a_range(*items: LimitRangeItem, name: str = "lr") -> LimitRange:
    return LimitRange(name, items)


def said(subject: Pod | Claim, item: LimitRangeItem) -> list[str]:
    return [sentence(one) for one in refusals(subject, (a_range(item),))]


LOW = an_item(low={"cpu": "500m"})
HIGH = an_item(high={"cpu": "1"})
RATIO = an_item(ratio={"cpu": "2"})
POD_HIGH = an_item("Pod", high={"memory": "1Gi"})


@pytest.mark.rule("L-20", "L-21", "L-22", "L-23", "L-26", "L-30")
@pytest.mark.parametrize(
    ("pod", "item", "messages"),
    [
        pytest.param(
            a_pod(), LOW, ["minimum cpu usage per Container is 500m.  No request is specified"], id="L-21-no-request"
        ),
        pytest.param(
            a_pod(a_container(limits={"cpu": "100m"})),
            LOW,
            ["minimum cpu usage per Container is 500m, but request is 100m"],
            id="L-26-one-sentence-for-each-key",
        ),
        pytest.param(
            a_pod(a_container(requests={"cpu": "500m"}, limits={"cpu": "400m"})),
            LOW,
            ["minimum cpu usage per Container is 500m, but limit is 400m"],
            id="L-21-limit",
        ),
        pytest.param(
            a_pod(a_container(requests={"cpu": "1"})),
            HIGH,
            ["maximum cpu usage per Container is 1.  No limit is specified"],
            id="L-22-no-limit",
        ),
        pytest.param(
            a_pod(a_container(requests={"cpu": "2"}, limits={"cpu": "1500m"})),
            HIGH,
            ["maximum cpu usage per Container is 1, but limit is 1500m"],
            id="L-22-limit-before-request",
        ),
        pytest.param(
            a_pod(a_container(requests={"cpu": "2"}, limits={"cpu": "1"})),
            HIGH,
            ["maximum cpu usage per Container is 1, but request is 2"],
            id="L-22-request",
        ),
        pytest.param(a_pod(a_container(limits={"cpu": "1"})), HIGH, [], id="L-22-equal"),
        pytest.param(a_pod(a_container(limits={"cpu": "500m"})), LOW, [], id="L-21-equal"),
        pytest.param(
            a_pod(a_container(requests={"cpu": "0"}, limits={"cpu": "1"})),
            RATIO,
            ["cpu max limit to request ratio per Container is 2, but no request is specified or request is 0"],
            id="L-23-request-0",
        ),
        pytest.param(
            a_pod(a_container(requests={"cpu": "1"})),
            RATIO,
            ["cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0"],
            id="L-23-no-limit",
        ),
        pytest.param(
            a_pod(a_container(requests={"cpu": "300m"}, limits={"cpu": "1"})),
            RATIO,
            ["cpu max limit to request ratio per Container is 2, but provided ratio is 3.333333"],
            id="L-23-above",
        ),
        pytest.param(a_pod(a_container(requests={"cpu": "1"}, limits={"cpu": "2"})), RATIO, [], id="L-23-equal"),
        pytest.param(
            a_pod(a_container(requests={"memory": "1Gi"})),
            POD_HIGH,
            ["maximum memory usage per Pod is 1Gi.  No limit is specified"],
            id="L-22-pod",
        ),
        pytest.param(
            a_pod(*[a_container(limits={"memory": "600Mi"})] * 2),
            POD_HIGH,
            ["maximum memory usage per Pod is 1Gi, but limit is 1200Mi"],
            id="L-30-pod-total",
        ),
        pytest.param(
            a_pod(a_container(limits={"cpu": "1"}), init=[a_container(init=True, limits={"cpu": "3"})]),
            HIGH,
            ["maximum cpu usage per Container is 1, but limit is 3"],
            id="L-20-init-containers",
        ),
        pytest.param(a_pod(limits={"cpu": "3"}), HIGH, ["maximum cpu usage per Container is 1.  No limit is specified"],
                     id="L-22-a-pod-level-limit-is-no-container-limit"),
        pytest.param(a_pod(), an_item("PersistentVolumeClaim", low={"storage": "1Gi"}), [], id="L-20-not-for-a-pod"),
    ],
)  # fmt: skip
def test_the_sentences_are_limitrangers(pod: Pod, item: LimitRangeItem, messages: list[str]) -> None:
    assert said(pod, item) == messages
    with exactly.compared():
        assert said(pod, item) == messages


@pytest.mark.rule("L-24")
@pytest.mark.parametrize(
    ("claim", "messages"),
    [
        pytest.param(a_claim("20Gi"), ["maximum storage usage per PersistentVolumeClaim is 10Gi, but request is 20Gi"],
                     id="L-24-max"),
        pytest.param(a_claim("512Mi"), ["minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 512Mi"],
                     id="L-24-min"),
        pytest.param(
            a_claim(None),
            [
                "minimum storage usage per PersistentVolumeClaim is 1Gi.  No request is specified",
                "maximum storage usage per PersistentVolumeClaim is 10Gi.  No request is specified",
            ],
            id="L-24-none",
        ),
        pytest.param(a_claim("5Gi"), [], id="L-24-between-and-no-ratio"),
        pytest.param(a_claim("10Gi"), [], id="L-24-equal-to-max"),
        pytest.param(a_claim("1Gi"), [], id="L-24-equal-to-min"),
    ],
)  # fmt: skip
def test_a_claim_is_judged_by_its_request(claim: Claim, messages: list[str]) -> None:
    item = an_item("PersistentVolumeClaim", low={"storage": "1Gi"}, high={"storage": "10Gi"}, ratio={"storage": "1"})
    assert said(claim, item) == messages
    assert said(claim, HIGH) == []


@pytest.mark.rule("L-7")
def test_every_object_is_asked_and_named() -> None:
    """L-7: the server asks them in no fixed order and stops at the first that refuses."""
    pod = a_pod(a_container(limits={"cpu": "2"}))
    found = tuple(refusals(pod, (a_range(HIGH, name="one"), a_range(LOW, name="two"), a_range(HIGH, name="three"))))
    assert [(one.limit_range, one.pointer) for one in found] == [
        ("one", "/spec/containers/0/resources"),
        ("three", "/spec/containers/0/resources"),
    ]
    (total,) = refusals(a_pod(), (a_range(POD_HIGH),))
    assert total.pointer == "/spec"
    (storage,) = refusals(a_claim("1"), (a_range(an_item("PersistentVolumeClaim", low={"storage": "2"})),))
    assert storage.pointer == "/spec/resources/requests/storage"


@pytest.mark.rule("L-40", "L-41", "L-42")
@pytest.mark.parametrize(
    ("requests", "limits", "item", "legacy", "exact"),
    [
        pytest.param({}, {"x": "10E"}, an_item(high={"x": "1000"}), [],
                     ["maximum x usage per Container is 1k, but limit is 10E"], id="L-41-10E-projects-to-0"),
        pytest.param({}, {"x": "9223372036854775808"}, an_item(high={"x": "1"}), [],
                     ["maximum x usage per Container is 1, but limit is 9223372036854775808"], id="L-41-wraps"),
        pytest.param({}, {"x": "18446744073709551616"}, an_item(ratio={"x": "1"}),
                     ["x max limit to request ratio per Container is 1, but no request is specified or request is 0"],
                     [], id="L-41-request-is-0"),
        pytest.param({"cpu": "200m"}, {"cpu": "403m"}, an_item(ratio={"cpu": "2015m"}),
                     ["cpu max limit to request ratio per Container is 2015m, but provided ratio is 2.015000"],
                     [], id="L-41-float-error"),
        pytest.param({"cpu": "100m"}, {"cpu": "300m"}, an_item(ratio={"cpu": "3"}), [], [], id="L-41-whole-ratio"),
        pytest.param({"x": "9007199254740992"}, {"x": "18014398509481985"}, an_item(ratio={"x": "2"}), [],
                     ["x max limit to request ratio per Container is 2, but provided ratio is 2.000000"],
                     id="L-41-a-float-cannot-see-the-1"),
        pytest.param({}, {"x": "9223372036854776001m"}, an_item(high={"x": "9223372036854776"}),
                     ["maximum x usage per Container is 9223372036854776, but limit is 9223372036854776001m"],
                     ["maximum x usage per Container is 9223372036854776, but limit is 9223372036854776001m"],
                     id="L-42-rounded-up-to-whole-units"),
        pytest.param({}, {"x": "9223372036854776001m"}, an_item(high={"x": "9223372036854776500m"}), [], [],
                     id="L-42-both-rounded-up"),
        pytest.param({}, {"x": "9223372036854776500m"}, an_item(high={"x": "9223372036854776001m"}), [],
                     ["maximum x usage per Container is 9223372036854776001m, but limit is 9223372036854776500m"],
                     id="L-42-whole-units-hide-a-fraction"),
        pytest.param({"x": "1"}, {"x": "9223372036854775807"}, an_item(ratio={"x": "9223372036854775807"}), [], [],
                     id="L-40-a-ratio-beyond-milli"),
    ],
)  # fmt: skip
def test_projections_differ_from_exact_comparison_only_where_known(
    requests: Texts, limits: Texts, item: LimitRangeItem, legacy: list[str], exact: list[str]
) -> None:
    pod = a_pod(a_container(requests=requests, limits=limits))
    assert said(pod, item) == legacy
    with exactly.compared():
        assert said(pod, item) == exact


@pytest.mark.rule("Q-11", "Q-21")
@pytest.mark.parametrize(
    ("text", "whole", "milli"),
    [
        ("1500m", 2, 1500),
        ("1m", 1, 1),
        ("1u", 1, 1),
        ("1n", 1, 1),
        ("0.1Mi", 104858, 104857600),
        ("1.1Gi", 1181116007, 1181116006400),
        ("-1500m", -2, -1500),
        ("8Pi", 9007199254740992, 9007199254740992000),
        ("9Pi", 10133099161583616, 10133099161583616000 - 2**64),
        ("1E", 10**18, 0),
        ("10E", 0, 0),
        ("-1E", -(10**18), 0),
        ("-10E", 0, 0),
        ("1e19", 0, 0),
        ("8Ei", 9223372036854775807, -1000),
        ("9223372036854775808", -9223372036854775808, 0),
        ("10000000000000001k", 10000000000000001000 - 2**64, 1864712049424024128),
        ("18446744073709551616", 0, 0),
    ],
    ids=lambda value: f"Q-21-{value}" if isinstance(value, str) else "",
)
def test_a_projection_wraps_or_is_zero_where_the_reference_s_is(text: str, whole: int, milli: int) -> None:
    quantity = Quantity.parse(text)
    assert (value(quantity), milli_value(quantity)) == (whole, milli)


AT = "/spec/containers/0/resources"


@pytest.mark.parametrize(
    ("pod", "item", "finding"),
    [
        pytest.param(a_pod(), LOW, ("native-min", AT, "cpu", "request", True, None, None, ""), id="L-21-no-request"),
        pytest.param(a_pod(a_container(limits={"cpu": "100m"})), LOW,
                     ("native-min", AT, "cpu", "request", False, "100m", None, ""), id="L-21-request"),
        pytest.param(a_pod(a_container(requests={"cpu": "500m"}, limits={"cpu": "400m"})), LOW,
                     ("native-min", AT, "cpu", "limit", False, "400m", None, ""), id="L-21-limit"),
        pytest.param(a_pod(a_container(requests={"cpu": "1"})), HIGH,
                     ("native-max", AT, "cpu", "limit", True, None, None, ""), id="L-22-no-limit"),
        pytest.param(a_pod(a_container(limits={"cpu": "1500m"})), HIGH,
                     ("native-max", AT, "cpu", "limit", False, "1500m", None, ""), id="L-22-limit"),
        pytest.param(a_pod(a_container(requests={"cpu": "2"}, limits={"cpu": "1"})), HIGH,
                     ("native-max", AT, "cpu", "request", False, "2", None, ""), id="L-22-request"),
        pytest.param(a_pod(a_container(requests={"cpu": "0"}, limits={"cpu": "1"})), RATIO,
                     ("native-ratio", AT, "cpu", "request", True, "0", "1", ""), id="L-23-request-0"),
        pytest.param(a_pod(a_container(requests={"cpu": "1"})), RATIO,
                     ("native-ratio", AT, "cpu", "limit", True, "1", None, ""), id="L-23-no-limit"),
        pytest.param(a_pod(a_container(requests={"cpu": "300m"}, limits={"cpu": "1"})), RATIO,
                     ("native-ratio", AT, "cpu", "limit", False, "300m", "1", "3.333333"), id="L-23-above"),
        pytest.param(a_pod(a_container(limits={"memory": "2Gi"}), pointer="/spec/template"), POD_HIGH,
                     ("native-max", "/spec/template/spec", "memory", "limit", False, "2Gi", None, ""), id="template"),
    ],
)  # fmt: skip
def test_a_refusal_is_a_value(pod: Pod, item: LimitRangeItem, finding: tuple[object, ...]) -> None:
    (one,) = refusals(pod, (a_range(item, name="compute"),))
    actual, limit = (None if amount is None else str(amount) for amount in (one.actual, one.limit))
    assert (one.rule, one.pointer, one.resource, one.side, one.missing, actual, limit, one.ratio) == finding
    assert (one.limit_range, one.kind, str(one.bound)) == ("compute", item.type, bound_of(item, one.resource))


def bound_of(item: LimitRangeItem, name: str) -> str:
    return str({**item.min, **item.max, **item.max_limit_request_ratio}[name])


ONE = a_range(an_item(default={"cpu": "500m"}, default_request={"cpu": "250m"}), name="one")
TWO = a_range(an_item(high={"cpu": "2", "memory": "1Gi"}), an_item("Pod", high={"cpu": "9"}), name="two")


@pytest.mark.rule("L-7", "L-10", "L-11")
def test_the_first_object_that_has_a_default_supplies_it() -> None:
    """L-7, L-10: nothing present changes, pod-level values suppress nothing, no limit is lifted (L-11)."""
    pod = a_pod(
        a_container("a"),
        a_container("b", requests={"cpu": "3"}),
        init=[a_container("i", init=True, limits={"cpu": "0"})],
        limits={"cpu": "1"},
    )
    after = with_native_defaults(pod, (ONE, TWO))
    assert [(texts(one.requests), texts(one.limits)) for one in after.every_container()] == [
        ({"cpu": "250m", "memory": "1Gi"}, {"cpu": "500m", "memory": "1Gi"}),
        ({"cpu": "3", "memory": "1Gi"}, {"cpu": "500m", "memory": "1Gi"}),
        ({"cpu": "0", "memory": "1Gi"}, {"cpu": "0", "memory": "1Gi"}),
    ]
    assert texts(with_native_defaults(pod, (TWO, ONE)).containers[0].limits) == {"cpu": "2", "memory": "1Gi"}


@pytest.mark.rule("L-7")
def test_defaults_on_which_objects_differ_are_ambiguous() -> None:
    """L-7."""
    same = a_range(an_item(default={"memory": "1Gi"}), name="same")
    found = ambiguities((ONE, TWO, same))
    assert [(one.field, one.resource, [(name, str(amount)) for name, amount in one.sources]) for one in found] == [
        ("default", "cpu", [("one", "500m"), ("two", "2")]),
        ("defaultRequest", "cpu", [("one", "250m"), ("two", "2")]),
    ]
    assert ambiguities((ONE,)) == ()
