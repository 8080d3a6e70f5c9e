"""The steps that turn JSON into values: completion of requests, rounding, null, status, scopes."""

# ruff: noqa: E501  # source text as it stands

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import steps

STEPS: Final = (
    *steps(
        "tiergate.wire.types",
        (
            "D-1",
            "amounts are not rounded to milli",
            "Quantity.parse(text).rounded_up(MILLI_IN_NANO)",
            "Quantity.parse(text)",
        ),
    ),
    *steps(
        "tiergate.wire.strict",
        (
            "Q-18",
            "null is no quantity",
            '        return "0"  # Q-18: the name is present\n',
            '        raise Malformed(pointer, "null")\n',
        ),
        (
            "Q-16",
            "a number is no quantity",
            '    if not isinstance(tree, str):\n        raise Malformed(pointer, f"expected a',
            '    if isinstance(tree, Number) or not isinstance(tree, str):\n        raise Malformed(pointer, f"expected a',
        ),
        ("Q-17", "a number goes through a float", "return Number(match[0])", "return Number(repr(float(match[0])))"),
    ),
    *steps(
        "tiergate.wire.pod",
        (
            "D-3 D-4",
            "requests are not completed from limits",
            "requests={**limits, **requests} if limits else requests,  # D-3",
            "requests=requests,",
        ),
        ("D-3", "limits replace requests", "{**limits, **requests} if limits", "{**requests, **limits} if limits"),
        (
            "L-30 R-30",
            "no container is restartable",
            'restartable = init and wire.restartPolicy == "Always"',
            "restartable = False",
        ),
        (
            "L-30 R-30",
            "app containers are restartable",
            'restartable = init and wire.restartPolicy == "Always"',
            'restartable = wire.restartPolicy == "Always"',
        ),
        ("D-8 R-23", "names that are not pod-level silence demands", " if is_pod_level(name)}", "}"),
        ("D-17", "empty pod-level resources are not seen", "        has_resources=resources is not None,\n", ""),
        ("R-31", "overhead is not read", "        overhead=resource_list(spec.overhead),\n", ""),
        ("R-24", "the priority class is not read", '        priority_class=spec.priorityClassName or "",\n', ""),
        ("R-24", "the deadline is not read", "        active_deadline_seconds=spec.activeDeadlineSeconds,\n", ""),
        (
            "R-24",
            "anti-affinity does not look outside",
            "for one in (affinity.podAffinity, affinity.podAntiAffinity) if one)",
            "for one in (affinity.podAffinity,) if one)",
        ),
        (
            "R-24",
            "preferred terms do not look outside",
            "    terms += [weighted.podAffinityTerm for weighted in preferred if weighted.podAffinityTerm]\n",
            "",
        ),
        (
            "R-24",
            "an empty selector does not look outside",
            "term.namespaces or term.namespaceSelector is not None for",
            "term.namespaces for",
        ),
        (
            "R-24",
            "named namespaces do not look outside",
            "term.namespaces or term.namespaceSelector is not None for",
            "term.namespaceSelector is not None for",
        ),
        ("R-24", "the status' QoS class is not read", '        qos_class=status.qosClass or "",\n', ""),
        ("R-21", "the phase is not read", '        phase=status.phase or "",\n', ""),
        (
            "R-21",
            "the time of deletion is not read",
            '        deleted_at=_seconds(metadata.deletionTimestamp, "/metadata/deletionTimestamp"),\n',
            "",
        ),
        ("R-21", "the grace period is not read", "        grace_seconds=metadata.deletionGracePeriodSeconds,\n", ""),
        ("R-32 R-33", "infeasible resizes are not seen", "        resize_infeasible=_infeasible(status),\n", ""),
        ("R-32 R-33", "container statuses are not read", "*(status.containerStatuses or ()), ", ""),
        ("R-32 R-33", "init container statuses are not read", ", *(status.initContainerStatuses or ())]", "]"),
        (
            "A-21",
            "the prefix of a generated name is not used",
            "name=metadata.name or metadata.generateName",
            "name=metadata.name",
        ),
    ),
    *steps(
        "tiergate.wire.claim",
        (
            "R-42",
            "the annotation does not win",
            'storage_class=(spec.storageClassName or "") if named is None else named,',
            'storage_class=spec.storageClassName or named or "",',
        ),
        ("R-42", "an empty annotation does not win", "if named is None else named,", "if not named else named,"),
        (
            "R-41",
            "what is allocated is not read",
            '        allocated=resource_list(status.allocatedResources).get("storage"),\n',
            "",
        ),
        ("R-43", "the class that was asked for is not read", "        spec.volumeAttributesClassName,\n", ""),
        ("R-43", "the class in force is not read", "        status.currentVolumeAttributesClassName,\n", ""),
        ("R-43", "the class being set is not read", "        modify.targetVolumeAttributesClassName,\n", ""),
    ),
    *steps(
        "tiergate.wire.quota",
        (
            "R-1",
            "what was asked is what is in force",
            "        hard=resource_list(status.hard),\n",
            "        hard=resource_list(spec.hard),\n",
        ),
        (
            "R-4",
            "scopes are not read",
            "        scopes=tuple(spec.scopes or ()),\n        scope_selector",
            "        scope_selector",
        ),
        (
            "R-5",
            "scope selectors are not read",
            "        scope_selector=scope_requirements(spec.scopeSelector),\n        managed",
            "        managed",
        ),
    ),
)
