"""A rule as lines for people: its sentence from the registry of rules, its reasons from the explanations."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Final

from tiergate.check.explanation import ALWAYS, REFUSES, WARNS, WARNS_BY_MODE, Explanation
from tiergate.check.explanations import OF_CHECK, OF_OBJECTS
from tiergate.check.explanations_of_tiers import OF_TIERS
from tiergate.check.explanations_of_workloads import NATIVE, OF_WORKLOADS
from tiergate.check.rule_texts import docs_url, help_page
from tiergate.core.request import CLUSTER_WIDE
from tiergate.core.rules import RULES, Rule, sentence
from tiergate.core.text import VALUE_SHOWN, shortened

_RULES: Final[dict[str, Rule]] = {rule.id: rule for rule in RULES}
EXPLAINED: Final[dict[str, Explanation]] = {**OF_OBJECTS, **OF_WORKLOADS, **OF_TIERS, **OF_CHECK}
"""By rule."""
MOST_NEAR: Final = 3
_BEFORE_NATIVE: Final = "workload-never-runs/"


class UnknownRule(ValueError):
    """There is no such rule; the text says which are near."""


def explained(name: str) -> Iterator[str]:
    """Return the lines about a rule, and about the one behind it where the name has one: ``RULE/BEHIND``.

    The rules of Kubernetes stand only behind another one, and are explained with it by their own name as well.

    Raises:
        UnknownRule: There is no such rule.
    """
    rule, _, behind = (_BEFORE_NATIVE + name if name in NATIVE else name).partition("/")
    if rule not in EXPLAINED:
        raise UnknownRule(_unknown(rule))
    if behind and behind not in EXPLAINED and behind not in NATIVE:
        raise UnknownRule(_unknown(behind))
    return _lines(rule, behind)


def every() -> Iterator[str]:
    """Yield each rule with what it asks, in one line."""
    width = max(map(len, EXPLAINED))
    for name, one in EXPLAINED.items():
        yield f"{name:<{width}}  {one.what}"


def _lines(rule: str, behind: str) -> Iterator[str]:
    one = EXPLAINED[rule]
    yield f"{rule}: {one.what}"
    yield f"  of       {_judged(rule, one)}"
    yield f"  does     {one.does or _effect(rule)}"
    yield f"  says     {_example(one)}"
    yield f"  because  {one.why}"
    yield f"  passes   {one.passes}"
    yield f"  bounds   {one.bounds}"
    if behind in NATIVE:
        yield f"  behind   {behind}: {NATIVE[behind]}"
    elif behind:
        yield f"  behind   {behind}: {EXPLAINED[behind].what}; tiergate explain {behind}"
    yield f"  more     {docs_url() or 'docs'}/{'operate.md#warnings' if _only_warns(rule) else help_page(rule)}"


def _only_warns(rule: str) -> bool:
    return rule in _RULES and _RULES[rule].effect == "warn"


def _effect(name: str) -> str:
    """Return what the registry says follows: no mode is applied to a rule about tiers or labels."""
    without_mode = name in _RULES and _RULES[name].endpoint in CLUSTER_WIDE
    if _only_warns(name):
        return WARNS if without_mode else WARNS_BY_MODE
    return ALWAYS if without_mode else REFUSES


def _judged(name: str, one: Explanation) -> str:
    """Return of which objects a rule is, as the registry has its checks."""
    rule = _RULES.get(name)
    if one.of or rule is None:
        return one.of
    if rule.usage is not None:
        return "pods and claims, beside what their namespace uses; the pods of workloads"
    return "pods, and those of workloads" if rule.pod is not None else "claims, and those of workloads"


def _example(one: Explanation) -> str:
    return one.example if isinstance(one.example, str) else sentence(one.example, namespace=one.namespace)


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name[:VALUE_SHOWN], [*EXPLAINED, *NATIVE], n=MOST_NEAR, cutoff=0.4)
    hint = f"did you mean {', '.join(near)}" if near else "tiergate explain lists all"
    return f'there is no rule "{shortened(name, VALUE_SHOWN)}"; {hint}'
