"""The rules of ``core/rules.py``, one by one, and the steps of the ranges behind them."""

# ruff: noqa: E501  # source text as it stands

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Mutant, source_path, steps

RULES_OF: Final = {
    "_container(limitrange.container_min, lambda item: item.min)": ("L-20", "L-21"),
    "_container(limitrange.container_max, lambda item: item.max)": ("L-20", "L-22"),
    "_container(limitrange.container_zero, lambda item: item.max)": ("limit-zero",),
    "_container(limitrange.container_ratio, lambda item: item.max_limit_request_ratio)": ("L-20", "L-23"),
    "_pod(limitrange.pod_min, lambda item: item.min)": ("L-20", "L-21"),
    "_pod(limitrange.pod_max, lambda item: item.max)": ("L-20", "L-22"),
    "_pod(limitrange.pod_ratio, lambda item: item.max_limit_request_ratio)": ("L-20", "L-23"),
    "_claim": ("L-20", "L-24"),
    "_always(_quota_pending)": ("quota-pending",),
    "_always(_quota_unknown)": ("R-50",),
    "_always(_quota_required)": ("R-23",),
    "_always(_quota_exceeded)": ("R-50", "R-51"),
}
"""The ids of each entry of RULES; an entry that is missing here fails the tests of this package."""

_MODULE: Final = "tiergate.core.rules"


def rule_lines() -> tuple[str, ...]:
    """Return the entries of RULES as they are written."""
    _, _, rest = source_path(_MODULE).read_text().partition("RULES: Final[tuple[Rule, ...]] = (\n")
    return tuple(line.strip().rstrip(",") for line in rest.partition("\n)")[0].splitlines())


def _without(entry: str) -> Mutant:
    return Mutant(RULES_OF.get(entry, ()), _MODULE, f"{entry} left out of RULES", f"\n    {entry},\n", "\n")


STEPS: Final = (
    *map(_without, rule_lines()),
    *steps(
        _MODULE,
        ("L-4", "a pod being deleted is judged", "(old is not None and old.deleted_at is not None)", "False"),
        (
            "L-27 unchanged",
            "an unchanged claim is judged again",
            " or (isinstance(old, Claim) and old.storage == claim.storage)",
            "",
        ),
        ("R-21", "the time is not passed on", "now=case.now, ", ""),
        ("R-32 R-33", "the release is not passed on", ", minor=case.minor", ""),
    ),
    *steps(
        "tiergate.core.limitrange",
        (
            "L-21",
            "the request under min passes",
            'if request is not None and request.nano < bound.nano:\n                yield _range("request-min"',
            'if False:\n                yield _range("request-min"',
        ),
        (
            "L-21",
            "the limit under min passes",
            'if limit is not None and limit.nano < bound.nano:\n                yield _range("limit-min"',
            'if False:\n                yield _range("limit-min"',
        ),
        (
            "L-21",
            "a request equal to min is refused",
            'request.nano < bound.nano:\n                yield _range("request-min"',
            'request.nano <= bound.nano:\n                yield _range("request-min"',
        ),
        (
            "L-28 unchanged",
            "min judges what a resize leaves alone",
            "            if old is not None and _unchanged(old, container, name):\n                continue\n            request, limit = container.requests.get(name), container.limits.get(name)\n            if request is not None",
            "            request, limit = container.requests.get(name), container.limits.get(name)\n            if request is not None",
        ),
        (
            "L-22",
            "a container without a limit passes max",
            "if limit is None or limit.nano > bound.nano:\n                yield _range(",
            "if limit is not None and limit.nano > bound.nano:\n                yield _range(",
        ),
        (
            "L-22",
            "the limit above max passes",
            "if limit is None or limit.nano > bound.nano:\n                yield _range(",
            "if limit is None:\n                yield _range(",
        ),
        (
            "L-22",
            "a limit equal to max is refused",
            "if limit is None or limit.nano > bound.nano:\n                yield _range(",
            "if limit is None or limit.nano >= bound.nano:\n                yield _range(",
        ),
        (
            "L-22",
            "the request above max passes",
            "if request is not None and request.nano > bound.nano:\n                yield _range(",
            "if False:\n                yield _range(",
        ),
        (
            "pod-level-max",
            "the pod-level limit does not stand for a missing one",
            "limit = container.limits.get(name, pod.limits.get(name))\n",
            "limit = container.limits.get(name)\n",
        ),
        (
            "L-28 unchanged",
            "max judges what a resize leaves alone",
            "if _unchanged(old, container, name) and limit == _limit_before(old, container, name):\n                continue\n",
            "pass\n",
        ),
        (
            "pod-level-max unchanged",
            "a raised pod-level limit is not judged",
            "_unchanged(old, container, name) and limit == _limit_before(old, container, name)",
            "_unchanged(old, container, name)",
        ),
        (
            "D-13",
            "max asks for a limit of what cannot be used without one",
            "if limit is None and request is None and _needs_limit(name):\n                continue",
            "if False:\n                continue",
        ),
        ("limit-zero", "a limit of 0 passes", "if limit is not None and not limit.nano and", "if False and"),
        (
            "limit-zero",
            "a limit of 0 without a max is refused",
            'for name in ("cpu", "memory") if name in bounds]',
            'for name in ("cpu", "memory")]',
        ),
        (
            "limit-zero unchanged",
            "a limit of 0 that stays is refused",
            "not limit.nano and not _unchanged(old, container, name)",
            "not limit.nano",
        ),
        (
            "L-28 unchanged",
            "the ratio judges what a resize leaves alone",
            "            if old is not None and _unchanged(old, container, name):\n                continue\n            request, limit = container.requests.get(name), container.limits.get(name)\n            if _exceeds_ratio",
            "            request, limit = container.requests.get(name), container.limits.get(name)\n            if _exceeds_ratio",
        ),
        (
            "L-23",
            "a ratio without both sides passes",
            "if not request or not limit:\n        return True",
            "if not request or not limit:\n        return False",
        ),
        ("L-23", "the ratio is not compared", "return limit.nano * NANO > request.nano * ratio.nano", "return False"),
        (
            "L-23 L-41",
            "a ratio equal to the bound is refused",
            "limit.nano * NANO > request.nano",
            "limit.nano * NANO >= request.nano",
        ),
        (
            "L-21 L-30",
            "a pod total without a request passes min",
            "if request is None or request.nano < bound.nano:",
            "if request is not None and request.nano < bound.nano:",
        ),
        (
            "L-21 L-30",
            "a pod total under min passes",
            "if request is None or request.nano < bound.nano:",
            "if request is None:",
        ),
        (
            "L-21 L-22",
            "the limit of a pod total under min passes",
            "if limit is not None and limit.nano < bound.nano:\n            yield _total(",
            "if False:\n            yield _total(",
        ),
        (
            "L-22",
            "a pod total without a limit passes max",
            "if limit is None or limit.nano > bound.nano:\n            yield _total(",
            "if limit is not None and limit.nano > bound.nano:\n            yield _total(",
        ),
        (
            "L-22",
            "the limit of a pod total above max passes",
            "if limit is None or limit.nano > bound.nano:\n            yield _total(",
            "if limit is None:\n            yield _total(",
        ),
        (
            "L-22",
            "the request of a pod total above max passes",
            "if request is not None and request.nano > bound.nano:\n            yield _total(",
            "if False:\n            yield _total(",
        ),
        (
            "L-28 unchanged",
            "totals that stay are judged by min",
            "        if _same_totals(old, pod, name):\n            continue\n        request, limit = requests.get(name), limits.get(name)\n        if request is None",
            "        request, limit = requests.get(name), limits.get(name)\n        if request is None",
        ),
        (
            "L-28 unchanged",
            "totals that stay are judged by max",
            "        if _same_totals(old, pod, name):\n            continue\n        request, limit = requests.get(name), limits.get(name)\n        if limit is None",
            "        request, limit = requests.get(name), limits.get(name)\n        if limit is None",
        ),
        (
            "L-28 unchanged",
            "totals that stay are judged by the ratio",
            "if not _same_totals(old, pod, name) and _exceeds_ratio(",
            "if _exceeds_ratio(",
        ),
        (
            "L-24",
            "a claim without a request passes min",
            "if low is not None and (request is None or request < low):",
            "if low is not None and request is not None and request < low:",
        ),
        ("L-24", "a claim under min passes", "(request is None or request < low)", "request is None"),
        (
            "L-24",
            "a claim without a request passes max",
            "if high is not None and (request is None or request > high):",
            "if high is not None and request is not None and request > high:",
        ),
        ("L-24", "a claim above max passes", "(request is None or request > high)", "request is None"),
        (
            "L-28 unchanged",
            "only the request decides what a resize leaves alone",
            "        before is not None\n        and before.requests.get(name) == container.requests.get(name)\n        and before.limits.get(name) == container.limits.get(name)",
            "        before is not None\n        and before.requests.get(name) == container.requests.get(name)",
        ),
        (
            "L-28 unchanged",
            "only the limit decides what a resize leaves alone",
            "        and before.requests.get(name) == container.requests.get(name)\n",
            "",
        ),
    ),
)
