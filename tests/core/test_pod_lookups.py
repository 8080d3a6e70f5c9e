"""What a pod knows of itself once it was asked."""

from __future__ import annotations

import msgspec

from tests.builders import a_container, a_pod
from tiergate.core.release import NEWEST
from tiergate.core.usage import qos_class


def test_containers_by_name_are_the_first_of_equal_names_whichever_list_they_are_in() -> None:
    pod = a_pod(
        a_container("a", limits={"cpu": "1"}),
        a_container("b"),
        a_container("a", limits={"cpu": "2"}),
        init=[a_container("b", limits={"cpu": "3"})],
    )
    every = pod.every_container()
    assert dict(pod.by_name) == {name: next(one for one in every if one.name == name) for name in ("a", "b")}


def test_a_changed_pod_does_not_inherit_what_was_computed_before() -> None:
    pod = a_pod(a_container("a"))
    assert qos_class(pod, minor=NEWEST) == "BestEffort"
    assert pod.by_name
    changed = msgspec.structs.replace(pod, containers=(a_container("b", limits={"cpu": "1"}),))
    assert qos_class(changed, minor=NEWEST) == "Burstable"
    assert list(changed.by_name) == ["b"]
