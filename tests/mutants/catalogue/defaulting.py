"""The steps of defaulting, of the patch that writes it, and of the derived defaults of an item."""

# ruff: noqa: E501  # source text as it stands

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import steps

STEPS: Final = (
    *steps(
        "tiergate.core.limitrange",
        (
            "L-10",
            "app containers get no defaults",
            "containers = tuple(_defaulted(pod, container, item, without, additions) for container in pod.containers)",
            "containers = pod.containers",
        ),
        (
            "L-10",
            "init containers get no defaults",
            "init_containers = tuple(_defaulted(pod, container, item, without, additions) for container in pod.init_containers)",
            "init_containers = pod.init_containers",
        ),
        (
            "L-10",
            "a limit that is there is replaced",
            "if name not in container.limits and name not in pod.limits",
            "if name not in pod.limits",
        ),
        (
            "L-10 L-11",
            "a request that is there is replaced",
            "if name not in container.requests and name not in without and",
            "if name not in without and",
        ),
        ("L-10", "no default limit is set", "for name, limit in item.default.items()\n", "for name, limit in ()\n"),
        (
            "L-10",
            "no default request is set",
            "for name, request in item.default_request.items()\n",
            "for name, request in ()\n",
        ),
        (
            "pod-level-suppression",
            "a pod-level limit suppresses no default limit",
            "name not in container.limits and name not in pod.limits and",
            "name not in container.limits and",
        ),
        (
            "pod-level-suppression",
            "a pod-level request suppresses no default request",
            "return name in limits or name not in pod.requests",
            "return True",
        ),
        (
            "pod-level-suppression D-3 A-33",
            "beside a default limit no default request is written",
            "return name in limits or name not in pod.requests",
            "return name not in pod.requests",
        ),
        (
            "pod-level-suppression D-8 D-9",
            "defaults are not weighed against the pod level",
            "(_crowded(defaulted) | _uneven(defaulted)) - without",
            "_uneven(defaulted) - without",
        ),
        (
            "pod-level-suppression D-5",
            "hugepages are given to some containers only",
            "(_crowded(defaulted) | _uneven(defaulted)) - without",
            "_crowded(defaulted) - without",
        ),
        (
            "pod-level-suppression D-5 D-14",
            "what is left out is looked at once",
            "while pod.pod_level and (more",
            "if pod.pod_level and (more",
        ),
        (
            "pod-level-suppression D-5",
            "other resources are given to all or to none too",
            "if name.startswith(HUGEPAGES) and not all(name in names for names in limited)",
            "if not all(name in names for names in limited)",
        ),
        (
            "pod-level-suppression D-8 D-9",
            "only one side of the pod level is weighed: requests",
            "bounds = {**pod.limits, **pod.requests}",
            "bounds = {**pod.requests}",
        ),
        (
            "pod-level-suppression D-8 D-9",
            "only one side of the pod level is weighed: limits",
            "bounds = {**pod.limits, **pod.requests}",
            "bounds = {**pod.limits}",
        ),
        (
            "pod-level-suppression D-8",
            "requests equal to the pod level are too much",
            "if name in bounds and asked > bounds[name]",
            "if name in bounds and asked >= bounds[name]",
        ),
        (
            "lifted-limit L-11",
            "a default limit is not lifted",
            "return limit if request is None or request <= limit else request",
            "return limit",
        ),
        (
            "valid-defaults-only D-13",
            "a default request comes without the limit it needs",
            "(name not in limits and name not in container.limits) or (",
            "(",
        ),
        (
            "valid-defaults-only D-14",
            "default hugepages come without cpu and memory",
            " or (name.startswith(HUGEPAGES) and not computes)",
            "",
        ),
        ("X-1 A-44", "metadata is not created for the annotation", "    if pod.has_metadata:\n", "    if True:\n"),
        ("X-1 A-44", "other annotations are replaced", "    if pod.has_annotations:\n", "    if False:\n"),
        ("X-1 A-44", "resources are not created", "    if not container.has_resources:\n", "    if False:\n"),
        (
            "X-1 A-44",
            "the parent of a new member is not created",
            "        if not written[field]:\n",
            "        if False:\n",
        ),
        ("X-1", "members that are there are replaced", "        if not written[field]:\n", "        if True:\n"),
        (
            "A-31",
            "the annotation forgets what an earlier pass set",
            '        return f"{after}; {text}"\n',
            "        return ANNOTATION_PREFIX + text\n",
        ),
        (
            "defaults-annotation",
            "init containers are not told apart",
            '"init container" if one.container.init else "container"',
            '"container"',
        ),
        (
            "defaults-annotation",
            "resources are named in any order",
            "', '.join(sorted(resources))",
            "', '.join(reversed(sorted(resources)))",
        ),
    ),
    *steps(
        "tiergate.core.jsonpatch",
        ("X-1", "a slash in a name is not escaped", '.replace("/", "~1")', ""),
        ("X-1", "a tilde in a name is not escaped", '.replace("~", "~0")', ""),
    ),
    *steps(
        "tiergate.core.tier",
        (
            "L-1",
            "max does not become the default",
            "default = {**item.max, **item.default}",
            "default = {**item.default}",
        ),
        (
            "L-1",
            "max replaces the default",
            "default = {**item.max, **item.default}",
            "default = {**item.default, **item.max}",
        ),
        (
            "L-1",
            "the default does not become the default request",
            "default_request = {**item.min, **default, **item.default_request}",
            "default_request = {**item.min, **item.default_request}",
        ),
        (
            "L-1",
            "min does not become the default request",
            "default_request = {**item.min, **default, **item.default_request}",
            "default_request = {**default, **item.default_request}",
        ),
        (
            "L-1",
            "min goes before the default",
            "default_request = {**item.min, **default, **item.default_request}",
            "default_request = {**default, **item.min, **item.default_request}",
        ),
        (
            "L-1",
            "derived defaults are not in force",
            "container=effective(container) if container else None",
            "container=container",
        ),
    ),
    *steps(
        "tiergate.core.evaluate",
        ("audit-defaults", "defaults are set in mode Audit", '    if tier.mode == "Audit":\n', "    if False:\n"),
    ),
)
