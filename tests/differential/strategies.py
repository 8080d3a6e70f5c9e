"""The same random policies and objects for Hypothesis, which can make them small."""

from __future__ import annotations

from typing import Final

import msgspec
from hypothesis import strategies as st

from tests.differential.case import Case, Standing, copied
from tests.differential.ours import ask
from tests.differential.pods import a_claim, a_pod
from tests.differential.policies import Json, a_policy, with_several_ranges
from tests.differential.standing import a_pod_status, a_resize, a_standing_pod
from tiergate.core.podspec import Pod
from tiergate.core.resources import ResourceList

randoms: Final = st.randoms(use_true_random=False)
policies: Final = randoms.map(a_policy)
several_ranges: Final = randoms.map(with_several_ranges)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A policy and a pod or claim that presses on its edges."""
    random = draw(randoms)
    policy = a_policy(random)
    return Case(policy, draw(st.sampled_from([a_pod, a_pod, a_claim]))(random, policy))


def as_stored(pod: Json) -> Json:
    """Return the pod as the API server would have it: no nulls, requests completed from limits, plain quantities."""
    result: Json = {**copied(pod), "spec": {name: value for name, value in copied(pod["spec"]).items() if value}}
    read = ask("validate", msgspec.json.encode(pod), "Pod").subject
    assert isinstance(read, Pod)
    result["spec"].pop("resources", None)
    if read.pod_level:
        result["spec"]["resources"] = _written(read.requests, read.limits)
    for one in read.every_container():
        *_, kind, index = one.pointer.split("/")
        result["spec"][kind][int(index)]["resources"] = _written(one.requests, one.limits)
    return result


def _written(requests: ResourceList, limits: ResourceList) -> Json:
    sides = {"requests": requests, "limits": limits}
    return {side: {name: str(one) for name, one in amounts.items()} for side, amounts in sides.items() if amounts}


@st.composite
def resizes(draw: st.DrawFn) -> Case:
    """A policy, a pod that stands there, in some state, and a resize of it that presses on edges."""
    random = draw(randoms)
    policy = a_policy(random)
    document = as_stored(a_standing_pod(random, policy))
    standing = Standing(document, a_pod_status(random, document))
    return Case(policy, a_resize(random, policy, {**document, "status": standing.status}), standing)
