"""What a Tier may not say, one fault at a time."""

# ruff: noqa: E501  # source text as it stands

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import steps

_PAIRS: Final = (
    ("min", "max"),
    ("min", "defaultRequest"),
    ("defaultRequest", "max"),
    ("defaultRequest", "default"),
    ("min", "default"),
    ("default", "max"),
)

STEPS: Final = (
    *steps(
        "tiergate.core.tier",
        ("L-2", "limits are not judged", "return (*_limit_faults(tier), *_quota_faults", "return (*_quota_faults"),
        ("R-2 R-3", "quotas are not judged", "*_quota_faults(tier), ", ""),
        ("unreachable-default", "defaults are not held against quotas", ", *_unreachable_defaults(tier))", ")"),
        ("L-2", "any type of item is valid", "if item.type not in (CONTAINER, POD, CLAIM):", "if False:"),
        ("L-2", "two items of one type are valid", "        if item.type in seen:\n", "        if False:\n"),
        ("L-2 D-10", "any name is valid", "        yield from _unknown_names(pointer, item)\n", ""),
        (
            "L-2 D-10",
            "a container may be limited in anything",
            "if item.type in (CONTAINER, POD) and name not in _CONTAINER_NAMES:",
            "if False:",
        ),
        (
            "L-2",
            "a claim may be limited in anything",
            "if item.type == CLAIM and name not in _STANDARD_QUOTA_NAMES | {STORAGE}:",
            "if False:",
        ),
        (
            "L-2 D-10",
            "hugepages and extended names are faults",
            'if name.startswith(HUGEPAGES) or ("/" in name and not name.startswith("requests.")):',
            "if False:",
        ),
        (
            "D-10",
            "quota names pass as extended",
            ' and not name.startswith("requests.")):\n                continue',
            "):\n                continue",
        ),
        ("negative-limit", "negative amounts are valid", "        yield from _negative(pointer, item)\n", ""),
        (
            "L-2",
            "a pod item may have defaults",
            "    if item.type in (POD, CLAIM):  #",
            "    if item.type == CLAIM:  #",
        ),
        (
            "claim-defaults",
            "a claim item may have defaults",
            "    if item.type in (POD, CLAIM):  #",
            "    if item.type == POD:  #",
        ),
        (
            "L-2",
            "a claim item may be empty",
            "    if item.type == CLAIM and STORAGE not in item.min and STORAGE not in item.max:\n",
            "    if False:\n",
        ),
        ("L-2", "bounds may contradict each other", "    yield from _ordering_faults(pointer, item)\n", ""),
        *(("L-2", f"{low} may be above {high}", f'        ("{low}", "{high}"),\n', "") for low, high in _PAIRS),
        ("L-2", "equal bounds are a fault", "            if small > large:\n", "            if small >= large:\n"),
        ("L-2", "ratios are not judged", "    yield from _ratio_faults(pointer, item)\n", ""),
        ("L-2", "a ratio may be less than 1", "        if ratio.nano < NANO:\n", "        if False:\n"),
        ("L-2", "a ratio of 1 is a fault", "        if ratio.nano < NANO:\n", "        if ratio.nano <= NANO:\n"),
        (
            "L-2",
            "a ratio may be above max/min",
            "        if low and high and ratio.nano * low.nano > high.nano * NANO:\n",
            "        if False:\n",
        ),
        (
            "L-2",
            "defaults of hugepages and extended resources may differ",
            "    yield from _not_overcommittable_faults(pointer, item)\n",
            "",
        ),
        (
            "L-2 D-13",
            "defaults of any resource must be equal",
            "if (name.startswith(HUGEPAGES) or is_extended(name)) and limit != request:",
            "if limit != request:",
        ),
        ("L-1 L-2", "derived defaults are not judged", "effective(item) if item.type == CONTAINER else item)", "item)"),
        ("quota-name", "two quotas of one name are valid", "        if quota.name in seen:\n", "        if False:\n"),
        (
            "R-2",
            "any quota name is valid",
            "            if reason := quota_name_fault(name):\n",
            "            if False and (reason := quota_name_fault(name)):\n",
        ),
        (
            "R-3",
            "negative bounds are valid",
            '            if quantity.nano < 0:\n                yield Fault(where, f"{quantity} is negative")\n            if quantity.nano % NANO',
            "            if quantity.nano % NANO",
        ),
        (
            "R-3",
            "half a pod is a bound",
            "if quantity.nano % NANO and (name in OBJECT_COUNTS or is_extended(name)):",
            "if False:",
        ),
        (
            "R-3",
            "every bound is a whole number",
            "if quantity.nano % NANO and (name in OBJECT_COUNTS or is_extended(name)):",
            "if quantity.nano % NANO:",
        ),
        (
            "R-2",
            "standard names are faults",
            "    if name in _STANDARD_QUOTA_NAMES or name.startswith((",
            "    if name.startswith((",
        ),
        (
            "R-2",
            "hugepages names are faults",
            '    if name in _STANDARD_QUOTA_NAMES or name.startswith((HUGEPAGES, f"requests.{HUGEPAGES}")):',
            "    if name in _STANDARD_QUOTA_NAMES:",
        ),
        ("R-7", "object counts are faults", '    if name.startswith("count/"):\n', "    if False:\n"),
        (
            "R-41 R-47",
            "names of classes are faults",
            "    if name.endswith((*_STORAGE_CLASS_SUFFIXES, _DEVICE_CLASS_SUFFIX)):\n        return None\n",
            "",
        ),
        (
            "R-22",
            "extended names are faults",
            "if asked != name and (is_extended(asked) or asked.startswith(DEVICE_CLASS)):",
            "if asked != name and asked.startswith(DEVICE_CLASS):",
        ),
        (
            "R-22 R-47",
            "device classes are faults",
            "if asked != name and (is_extended(asked) or asked.startswith(DEVICE_CLASS)):",
            "if asked != name and is_extended(asked):",
        ),
        ("R-22", "the way out is not named", "    if is_extended(name):\n        bare", "    if False:\n        bare"),
        ("R-4 R-5", "scopes are not judged", "        yield from _scope_faults(pointer, quota)\n", ""),
        (
            "R-4",
            "plain scopes are not judged",
            '        yield from _one_scope(f"{pointer}/scopes", name, quota)\n',
            "        pass\n",
        ),
        (
            "R-4",
            "scopes of a selector are not judged",
            '        yield from _one_scope(f"{where}/scopeName", wanted.scope_name, quota)\n',
            "",
        ),
        ("R-5", "any operator is valid", "        if needs_values is None:\n", "        if False:\n"),
        (
            "R-5",
            "values are not judged",
            "        elif needs_values != bool(wanted.values):\n",
            "        elif False:\n",
        ),
        (
            "R-5",
            "any scope takes any operator",
            'if wanted.scope_name not in _CLASS_SCOPES and wanted.operator != "Exists":',
            "if False:",
        ),
        (
            "R-5",
            "class scopes take Exists alone",
            'if wanted.scope_name not in _CLASS_SCOPES and wanted.operator != "Exists":',
            'if wanted.operator != "Exists":',
        ),
        ("R-4", "conflicting scopes are valid", "        if {one, other} <= names:\n", "        if False:\n"),
        (
            "R-4",
            "any scope is valid",
            "    if allowed is None:\n",
            "    if allowed is None:\n        return\n    if False:\n",
        ),
        ("R-4", "a scope takes any name", "        if standard and resource not in allowed:\n", "        if False:\n"),
        (
            "R-4",
            "names outside the standard are judged by scope",
            "        if standard and resource not in allowed:\n",
            "        if resource not in allowed:\n",
        ),
        (
            "R-4",
            "scopes go with hugepages",
            ' or resource.startswith((HUGEPAGES, f"requests.{HUGEPAGES}"))\n        if standard',
            "\n        if standard",
        ),
        (
            "D-10",
            "a limit may have a name that is none",
            "            if not is_qualified(name):\n",
            "            if False:\n",
        ),
        (
            "R-2",
            "a quota may have a name that is none",
            "    if not is_qualified(name):\n        return",
            "    if False:\n        return",
        ),
        (
            "D-11 D-14",
            "defaults that the API refuses are valid",
            "    yield from _invalid_default_faults(pointer, item)\n",
            "",
        ),
        ("D-11", "a negative default is reported twice", "        if quantity.nano > 0:\n", "        if True:\n"),
        (
            "unreachable-default",
            "scoped quotas are held against defaults",
            "        if not quota.scopes and not quota.scope_selector:\n            for hard_name",
            "        if True:\n            for hard_name",
        ),
        (
            "unreachable-default",
            "a default equal to the quota is a fault",
            "                    if quantity > hard:\n",
            "                    if quantity >= hard:\n",
        ),
    ),
)
