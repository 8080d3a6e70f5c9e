"""The steps of pod-level completion, of API validation and of the prediction made from both."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import steps

STEPS: Final = (
    *steps(
        "tiergate.core.podlevel",
        ("D-5a D-6a", "a pod without pod-level resources is completed", "if not pod.pod_level:", "if False:"),
        (
            "D-5",
            "hugepages limits are not taken from containers",
            "return {**unnamed, **pod.limits}",
            "return {**pod.limits}",
        ),
        ("D-5", "hugepages limits are taken beside a pod-level request", " and name not in pod.requests", ""),
        (
            "D-5",
            "limits of any resource are taken from containers",
            "if name.startswith(HUGEPAGES) and name",
            "if name",
        ),
        ("D-6", "requests are taken without any pod-level limit", "if late or limits:", "if True:"),
        ("D-6a", "requests are not taken for one pod-level request", "if late or limits:", "if limits:"),
        ("D-6", "requests are not taken from containers", "if late or limits:", "if False:"),
        (
            "D-6",
            "requests of any resource are taken",
            "for name, q in asked.items() if name in POD_LEVEL_COMPUTE}",
            "for name, q in asked.items()}",
        ),
        ("D-7", "a limit does not become the request", "requests = {**limits, **requests}", "requests = {**requests}"),
        ("D-7a", "no limit is shared", "    if late:\n", "    if False:\n"),
        ("D-7a", "limits are shared before 1.37", "    if late:\n", "    if True:\n"),
        (
            "D-7a",
            "the shared limit is the aggregate even under the request",
            "name: max(allowed[name], request)",
            "name: allowed[name]",
        ),
        ("D-7a", "the shared limit is the request", "name: max(allowed[name], request)", "name: request"),
        (
            "D-7a",
            "one container's limit is shared",
            "if name in allowed and all(name in container.limits",
            "if name in allowed and any(name in container.limits",
        ),
        (
            "D-7a",
            "a pod without containers shares what nobody limits",
            "if name in allowed and all(name in container.limits",
            "if all(name in container.limits",
        ),
        ("D-7a", "a written limit is replaced", "return {**shared, **limits}", "return {**limits, **shared}"),
    ),
    *steps(
        "tiergate.core.prediction",
        (
            "D-5a",
            "the pod level is completed before defaults on 1.37",
            "sent = pod if minor >= POD_LEVEL_COMPLETED_LATE else completed(pod, minor=minor)",
            "sent = completed(pod, minor=minor)",
        ),
        (
            "D-5a D-9",
            "the pod level is not completed before defaults up to 1.36",
            "sent = pod if minor >= POD_LEVEL_COMPLETED_LATE else completed(pod, minor=minor)",
            "sent = pod",
        ),
        (
            "D-5a",
            "the pod level is not completed after defaults",
            "stored = completed(defaulted, minor=minor)",
            "stored = defaulted",
        ),
        (
            "D-17",
            "the QoS class is the newest release's",
            "qos_class=qos_class(stored, minor=minor)",
            "qos_class=qos_class(stored)",
        ),
    ),
    *steps(
        "tiergate.core.validity",
        ("D-12", "a request above the limit is valid", "elif request > limit:", "elif False:"),
        ("D-12", "a request equal to the limit is invalid", "elif request > limit:", "elif request >= limit:"),
        (
            "D-13",
            "unequal hugepages and extended resources are valid",
            "if not _overcommittable(name) and request != limit:",
            "if False:",
        ),
        (
            "D-13",
            "an extended request without a limit is valid",
            "if not _overcommittable(name) and name not in limits:",
            "if False:",
        ),
        ("D-11", "negative amounts are valid", "if amount.nano < 0:", "if False:"),
        (
            "D-11",
            "fractions of an extended resource are valid",
            "if is_extended(name) and not is_countable(amount):",
            "if False:",
        ),
        (
            "D-10 D-11",
            "fractions of a native qualified name are invalid",
            "if is_extended(name) and not is_countable(amount):",
            'if "/" in name and not is_countable(amount):',
        ),
        ("D-14", "hugepages alone are valid", "if POD_LEVEL_COMPUTE.isdisjoint(named) and any(", "if False and any("),
        ("D-14", "half pages are valid", " and amount.nano % page.nano:", " and False:"),
        ("D-8", "requests above the pod level are valid", "if asked[name] > pod.requests[name]:", "if False:"),
        (
            "D-8",
            "requests equal to the pod level are invalid",
            "if asked[name] > pod.requests[name]:",
            "if asked[name] >= pod.requests[name]:",
        ),
        (
            "D-8",
            "hugepages limits above the pod level are valid",
            "if name.startswith(HUGEPAGES) and allowed[name] > pod.limits[name]:",
            "if False:",
        ),
        (
            "D-8",
            "the sum of limits is judged",
            "if name.startswith(HUGEPAGES) and allowed[name] > pod.limits[name]:",
            "if allowed[name] > pod.limits[name]:",
        ),
        ("D-8", "a limit above the pod level is valid", "if container.limits[name] > pod.limits[name]:", "if False:"),
        (
            "D-8",
            "init containers' limits are judged",
            "    for container in pod.containers:\n        for name in sorted(container.limits",
            "    for container in pod.every_container():\n        for name in sorted(container.limits",
        ),
        (
            "D-8 D-9",
            "the pod level may contradict itself",
            'faults += _resource_faults("/spec/resources", pod.requests, pod.limits)',
            "pass",
        ),
        (
            "D-16",
            "init containers are always valid",
            "for container in pod.every_container():\n        faults +=",
            "for container in pod.containers:\n        faults +=",
        ),
    ),
)
