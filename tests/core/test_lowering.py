"""What is advised where a quota is exceeded passes: the ranges, the pod level and the overhead are kept in mind."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from tests.builders import Texts, a_claim, a_container, a_pod, a_quota, a_tier, amounts, an_item, validated
from tiergate.core.lowering import Lowerings
from tiergate.core.quantity import Quantity
from tiergate.core.rules import sentence
from tiergate.core.tier import CLAIM, POD, LimitRangeItem
from tiergate.core.validity import invalid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tiergate.core.claim import Claim
    from tiergate.core.podspec import Container, Pod

MIN: Final = an_item(low={"memory": "32Mi"})
HALF: Final = {"memory": "512Mi"}


def _bare(name: str = "agent", requests: Texts | None = None, limits: Texts | None = None) -> Container:
    return a_container(name, requests=requests, limits=limits)


def _advised(subject: Pod | Claim, item: LimitRangeItem | None, name: str, left: str) -> str:
    """Return what is said to help where so much is left in a quota of which nothing can be freed."""
    quota = a_quota({name: left}, {}, name="own", managed=False)
    found = validated(subject, tier=a_tier(*([item] if item else [])), quotas=(quota,)).findings
    (line,) = [sentence(one, namespace="dev") for one in found if one.rule == "quota-exceeded"]
    return line.partition("; ")[2]


@pytest.mark.rule("R-31", "L-21", "L-23", "D-8")
@pytest.mark.parametrize(
    ("subject", "item", "name", "left", "expected"),
    [
        pytest.param(
            a_pod(_bare(), requests=HALF, limits=HALF),
            None,
            "limits.memory",
            "256Mi",
            "set the pod-level limits.memory and requests.memory to 256Mi or less",
            id="the-pod-level",
        ),
        pytest.param(
            a_pod(_bare(limits=HALF), _bare("proxy"), requests={"memory": "512Mi"}),
            None,
            "requests.memory",
            "256Mi",
            "set the pod-level requests.memory and those of all containers together to 256Mi or less",
            id="containers-may-not-ask-for-more-than-the-pod-level",
        ),
        pytest.param(
            a_pod(_bare(requests={"cpu": "1"}, limits={"cpu": "2"}), requests={"cpu": "1"}, limits={"cpu": "3"}),
            None,
            "limits.cpu",
            "1",
            "set the pod-level limits.cpu and those of each container to 1 or less",
            id="no-container's-limit-is-above-the-pod-level",
        ),
        pytest.param(
            a_pod(_bare(limits=HALF), overhead={"memory": "120Mi"}),
            None,
            "limits.memory",
            "376Mi",
            "set limits.memory to 256Mi or less",
            id="the-overhead-stays",
        ),
        pytest.param(
            a_pod(_bare(limits=HALF), overhead={"memory": "120Mi"}),
            None,
            "limits.memory",
            "120Mi",
            "the whole quota is 120Mi",
            id="nothing-is-left-beside-the-overhead",
        ),
        pytest.param(
            a_pod(_bare(limits=HALF)), MIN, "limits.memory", "32Mi", "set limits.memory to 32Mi or less",
            id="as-much-as-min",
        ),
        pytest.param(a_pod(_bare(limits=HALF)), MIN, "limits.memory", "31Mi", "the whole quota is 31Mi", id="below"),
        pytest.param(
            a_pod(_bare(limits=HALF), _bare("proxy", limits=HALF)),
            MIN,
            "limits.memory",
            "63Mi",
            "the whole quota is 63Mi",
            id="each-of-two-containers-needs-min",
        ),
        pytest.param(
            a_pod(_bare(limits=HALF)),
            LimitRangeItem(POD, min=amounts({"memory": "64Mi"})),
            "limits.memory",
            "63Mi",
            "the whole quota is 63Mi",
            id="below-min-of-a-pod",
        ),
        pytest.param(
            a_pod(_bare(requests={"cpu": "500m"}, limits={"cpu": "1"})),
            LimitRangeItem("Container", max_limit_request_ratio=amounts({"cpu": "4"})),
            "requests.cpu",
            "249m",
            "the whole quota is 249m",
            id="the-limit-would-be-too-many-times-the-request",
        ),
        pytest.param(
            a_claim("10Gi"),
            LimitRangeItem(CLAIM, min=amounts({"storage": "5Gi"})),
            "requests.storage",
            "4Gi",
            "the whole quota is 4Gi",
            id="a-claim-below-min",
        ),
    ],
)  # fmt: skip
def test_no_advice_names_what_would_be_refused(
    subject: Pod | Claim, item: LimitRangeItem | None, name: str, left: str, expected: str
) -> None:
    assert _advised(subject, item, name, left) == expected


def _any_pod(random: Random) -> tuple[Pod, LimitRangeItem, str]:
    """Return a pod whose values are small whole numbers, a range that it keeps, and the side that is too large."""
    side, at_pod_level = random.choice(("requests", "limits")), random.random() < 0.5
    containers = []
    for name in ("a", "b")[: random.randint(1, 2)]:
        request = random.randint(1, 2)
        limit = random.randint(request, 3)
        both = random.random() < 0.8 or (side == "limits" and not at_pod_level)
        containers.append(_bare(name, {"cpu": str(request)}, {"cpu": str(limit)} if both else None))
    asked, allowed = (
        sum(int(str(c.__getattribute__(of).get("cpu", 0))) for c in containers) for of in ("requests", "limits")
    )
    level: dict[str, Any] = {}
    if at_pod_level:
        request = random.randint(asked, asked + 1)
        level = {"requests": {"cpu": str(request)}, "limits": {"cpu": str(random.randint(max(request, 3), 5))}}
    ratio = {"cpu": str(random.randint(2, 3))} if allowed and random.random() < 0.3 else {}
    kind = random.choice(("Container", POD)) if not ratio else "Container"
    item = LimitRangeItem(kind, min=amounts({"cpu": str(random.randint(1, 2))}), max_limit_request_ratio=amounts(ratio))
    return a_pod(*containers, overhead={"cpu": "1"} if random.random() < 0.2 else {}, **level), item, side


def _is_valid(requests: dict[str, Quantity], limits: dict[str, Quantity]) -> bool:
    return not (requests and limits) or requests["cpu"] <= limits["cpu"]


def _smaller(pod: Pod, side: str) -> Iterator[Pod]:
    """Yield the pod with each smaller choice of the values of a side: of limits with the requests, which follow."""

    def lowered(have: dict[str, Quantity]) -> list[dict[str, Quantity]]:
        whole = range(1, int(str(have["cpu"])) + 1) if have else ()
        return [amounts({"cpu": str(one)}) for one in ("1m", "999m", *whole)] if have else [{}]

    def both(requests: Any, limits: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # ResourceLists
        asked, allowed = lowered(requests), lowered(limits) if side == "limits" else [limits]
        pairs = product(asked, allowed)
        return [{"requests": one, "limits": other} for one, other in pairs if _is_valid(one, other)]

    replace = msgspec.structs.replace
    each = [[replace(one, **values) for values in both(one.requests, one.limits)] for one in pod.containers]
    for level, *containers in product(both(pod.requests, pod.limits), *each):
        yield replace(pod, containers=tuple(containers), **level)


@pytest.mark.slow
def test_something_is_advised_only_where_smaller_values_pass_and_always_there() -> None:
    random, seen = Random(5), {True: 0, False: 0}  # noqa: S311  # a reproducible choice
    while min(seen.values()) < 30:
        pod, item, side = _any_pod(random)
        tier, name, left = a_tier(item), f"{side}.cpu", random.randint(1, 4)
        quota = a_quota({name: str(left)}, {}, managed=False)
        rules = [one.rule for one in validated(pod, tier=tier, quotas=(quota,)).findings]
        if rules != ["quota-exceeded"] or tuple(invalid(pod)):
            continue
        advised = Lowerings(pod, tier.limits).to(name, Quantity.parse(str(left)))
        passes = any(
            not validated(one, tier=tier, quotas=(quota,)).findings and not tuple(invalid(one))
            for one in _smaller(pod, side)
        )
        assert bool(advised.most) == passes, (pod, item, name, left)
        seen[passes] += 1
