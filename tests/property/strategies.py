"""Random quantities, pods, tiers and quotas, as JSON objects and as core values."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import strategies as st

from tests.builders import Json, a_pod_object, a_quota, a_tier, an_item
from tiergate.core.quota import QuotaStatus
from tiergate.core.resources import is_pod_level
from tiergate.core.tier import LimitRangeItem, Tier

SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E-2", "e+5"]
NAMES = ["cpu", "memory", "ephemeral-storage", "hugepages-2Mi", "nvidia.com/gpu"]
QUOTA_NAMES = [
    "cpu", "requests.cpu", "limits.cpu", "requests.memory", "limits.memory", "pods", "count/pods",
    "requests.nvidia.com/gpu", "limits.ephemeral-storage", "services",
]  # fmt: skip

numbers = st.one_of(
    st.integers(0, 10**20).map(str),
    st.tuples(st.integers(0, 10**6), st.integers(0, 10**12)).map(lambda pair: f"{pair[0]}.{pair[1]}"),
    st.sampled_from(["0", "1.", ".5", "007", "0.1", "9223372036854775807", "9223372036854775808"]),
)
quantity_texts = st.tuples(st.sampled_from(["", "", "+", "-"]), numbers, st.sampled_from(SUFFIXES)).map("".join)
any_texts = st.one_of(quantity_texts, st.text("0123456789.+-eEinumkKMGTP _", max_size=12), st.text(max_size=6))

amounts = st.sampled_from(["0", "1m", "50m", "100m", "250m", "1", "1500m", "2", "128Mi", "1Gi", "0.5Gi", "1e3"])
resource_lists = st.dictionaries(st.sampled_from(NAMES), amounts, max_size=3)
maybe_lists = st.one_of(st.none(), resource_lists)
resources: st.SearchStrategy[Json | None] = st.one_of(
    st.none(),
    st.just({}),
    st.fixed_dictionaries({}, optional={"limits": maybe_lists, "requests": maybe_lists}),
)


@st.composite
def containers(draw: st.DrawFn, name: str) -> Json:
    """A container with every way of having, and not having, resources."""
    container: Json = {"name": name, "image": "x:1"}
    if draw(st.booleans()):
        container["resources"] = draw(resources)
    if draw(st.booleans()):
        container["restartPolicy"] = draw(st.sampled_from(["Always", None]))
    return container


@st.composite
def pod_objects(draw: st.DrawFn) -> Json:
    """A Pod as JSON."""
    pod = a_pod_object(*[draw(containers(f"app-{index}")) for index in range(draw(st.integers(1, 3)))])
    spec = pod["spec"]
    if draw(st.booleans()):
        spec["initContainers"] = [draw(containers(f"init-{index}")) for index in range(draw(st.integers(0, 3)))]
    if draw(st.integers(0, 3)) == 0:
        spec["resources"] = draw(resources)
    if draw(st.integers(0, 3)) == 0:
        spec["overhead"] = draw(maybe_lists)
    if draw(st.integers(0, 3)) == 0:
        spec["activeDeadlineSeconds"] = draw(st.sampled_from([None, 60]))
    if draw(st.booleans()):
        pod["metadata"]["annotations"] = draw(
            st.sampled_from([None, {}, {"a": "b"}, {"tiergate.io/defaults": "tiergate set: x"}])
        )
    if draw(st.integers(0, 9)) == 0:
        del pod["metadata"]
    unshared: Json = json.loads(json.dumps(pod))  # drawn values may be one object in two places
    return unshared


items = st.builds(
    lambda default, request, low, high: an_item(
        default=default, default_request=request, low=low, high=high
    ),
    resource_lists,
    resource_lists,
    resource_lists,
    resource_lists,
)  # fmt: skip


def tiers(item: st.SearchStrategy[LimitRangeItem] = items) -> st.SearchStrategy[Tier]:
    """A tier with a Container item and, sometimes, a Pod item."""
    pods = st.one_of(
        st.none(), st.builds(lambda low, high: an_item("Pod", low=low, high=high), resource_lists, resource_lists)
    )
    return st.builds(lambda one, two: a_tier(*(i for i in (one, two) if i is not None)), item, pods)


@st.composite
def quotas(draw: st.DrawFn) -> QuotaStatus:
    """A foreign quota in force, sometimes over-full, sometimes scoped."""
    hard = draw(st.dictionaries(st.sampled_from(QUOTA_NAMES), amounts, max_size=4))
    used = {name: draw(amounts) for name in hard}
    scopes = draw(st.sampled_from([(), (), ("BestEffort",), ("NotBestEffort",), ("Terminating",)]))
    return a_quota(hard, used, name="theirs", managed=False, scopes=scopes)


STEPS = {
    "cpu": ["0", "50m", "100m", "250m", "500m", "1", "2"],
    "memory": ["0", "64Mi", "128Mi", "256Mi", "1Gi"],
    "ephemeral-storage": ["0", "1Gi", "2Gi"],
    "hugepages-2Mi": ["0", "2Mi", "4Mi", "8Mi"],
    "nvidia.com/gpu": ["0", "1", "2"],
}
"""Few amounts for each resource, in order, so that bounds, defaults and values meet."""
WHOLE = frozenset({"hugepages-2Mi", "nvidia.com/gpu"})
"""Resources whose request must equal the limit (D-13)."""


@st.composite
def sound_items(draw: st.DrawFn, names: Sequence[str] = tuple(STEPS)) -> LimitRangeItem:
    """A Container item that does not contradict itself: min <= defaultRequest <= default <= max, any of them absent."""
    fields: dict[str, dict[str, str]] = {field: {} for field in ("low", "default_request", "default", "high", "ratio")}
    for name in draw(st.lists(st.sampled_from(names), unique=True, max_size=4)):
        at = sorted(draw(st.lists(st.integers(0, len(STEPS[name]) - 1), min_size=4, max_size=4)))
        if name in WHOLE:
            at[2] = at[1]
        for field, index in zip(("low", "default_request", "default", "high"), at, strict=True):
            if draw(st.booleans()):
                fields[field][name] = STEPS[name][index]
        if draw(st.integers(0, 5)) == 0:
            fields["ratio"][name] = draw(st.sampled_from(["1", "2", "4"]))
    return an_item(
        low=fields["low"],
        default_request=fields["default_request"],
        default=fields["default"],
        high=fields["high"],
        ratio=fields["ratio"],
    )


@st.composite
def sound_resources(draw: st.DrawFn, names: Sequence[str] = tuple(STEPS)) -> Json:
    """Resources of a container that the API accepts: requests at most limits, whole resources on both sides."""
    limits: dict[str, str] = {}
    requests: dict[str, str] = {}
    for name in draw(st.lists(st.sampled_from(names), unique=True, max_size=3)):
        low, high = sorted(draw(st.tuples(*[st.integers(0, len(STEPS[name]) - 1)] * 2)))
        if name in WHOLE:
            limits[name] = STEPS[name][high]
        else:
            if draw(st.booleans()):
                limits[name] = STEPS[name][high]
            if draw(st.booleans()):
                requests[name] = STEPS[name][low]
    if "hugepages-2Mi" in limits and "cpu" not in limits | requests:
        requests["cpu"] = "0"
    return {"limits": limits, "requests": requests}


@st.composite
def sound_pod_objects(draw: st.DrawFn, names: Sequence[str] = tuple(STEPS)) -> Json:
    """A Pod that is likely to be valid: consistent containers, often pod-level resources that leave them room."""

    def container(name: str) -> Json:
        one: Json = {"name": name, "resources": draw(sound_resources(names))}
        return one | draw(st.sampled_from([{}, {"restartPolicy": "Always"}]))

    pod = a_pod_object(*[container(f"app-{index}") for index in range(draw(st.integers(1, 3)))])
    if draw(st.booleans()):
        pod["spec"]["initContainers"] = [container(f"init-{index}") for index in range(draw(st.integers(1, 2)))]
    supported = [name for name in names if is_pod_level(name)]
    if draw(st.integers(0, 2)):
        level: Json = {"limits": {}, "requests": {}}
        for name in draw(st.lists(st.sampled_from(supported), unique=True, max_size=2)):
            low, high = sorted(draw(st.tuples(*[st.integers(1, len(STEPS[name]) - 1)] * 2)))
            for side, index in (("requests", low), ("limits", high)):
                if draw(st.booleans()):
                    level[side][name] = STEPS[name][index]
        pod["spec"]["resources"] = level
    return pod
