"""Every word with which the product answers, refuses or reports, as its source has them."""

from __future__ import annotations

import ast
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from tests.docs.values import CHART, ROOT
from tiergate.core.decision import RuleId
from tiergate.core.mode import MODES
from tiergate.process.bodies import Refused
from tiergate.server.admit import Outcome

SOURCES: Final = ROOT / "webhook" / "tiergate"
ALERTS: Final = CHART / "files" / "alerts.yaml"
_FAULT: Final = re.compile(
    r'(?:append \$faults|\bfail) (?:\(printf )?"([^"]*[a-z]{3}[^"]*)"|^\{\{ printf "([^"]*: [^"]*)"', re.MULTILINE
)
"""A message in a template; what joins others has no words."""


def rules() -> set[str]:
    """Return the ids of all refusals: rules of the core, and causes of the guards."""
    return {*typing.get_args(RuleId), *_first_arguments("Cause")}


def condition_reasons() -> set[str]:
    """Return the reasons that a condition of a Tier can have."""
    return set(_keywords("Assessment", "reason"))


def event_reasons() -> set[str]:
    """Return the reasons of the Events that the controller writes."""
    return set(_keywords("_record", "reason"))


def outcomes() -> set[str]:
    """Return the outcomes in the review log."""
    return set(typing.get_args(Outcome))


def error_reasons() -> set[str]:
    """Return the reasons of requests without a verdict, as the metric counts them."""
    return {*_keywords("error", "reason"), *(one.reason for one in Refused.__subclasses__())}


def alerts() -> list[str]:
    """Return the names of the chart's alerts."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]


def tier_faults() -> Iterator[list[str]]:
    """Yield the fixed parts of each reason for which a Tier cannot be in force."""
    for name in ("core/tier.py", "wire/tier.py"):
        for node in ast.walk(ast.parse((SOURCES / name).read_text())):
            yield from (_fixed_parts(reason) for reason in _reasons(node))


def _reasons(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what a node says of a fault: its reason, a variable of that name, or what a function of faults returns."""
    match node:
        case ast.Call(func=ast.Name(id="Fault"), args=[_, ast.Constant() | ast.JoinedStr() as reason]):
            yield reason
        case ast.Assign(targets=[ast.Name(id="reason")], value=reason):
            yield reason
        case ast.FunctionDef(name="quota_name_fault"):
            returned = (one.value for one in ast.walk(node) if isinstance(one, ast.Return))
            yield from (one for one in returned if isinstance(one, ast.JoinedStr) or _is_text(one))


def _is_text(node: ast.expr | None) -> typing.TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _fixed_parts(node: ast.expr) -> list[str]:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return [str(one.value) for one in parts if _is_text(one)]


def value_faults() -> Iterator[list[str]]:
    """Yield the fixed parts of each message with which the chart's templates refuse values."""
    for path in sorted((CHART / "templates").rglob("*")):
        if path.is_file():
            for either, other in _FAULT.findall(path.read_text()):
                yield [part for part in re.split(r"\\n|%[a-z]", either or other) if part]


def _first_arguments(function: str) -> Iterator[str]:
    for call in _calls(function):
        if call.args:
            yield from _texts(call.args[0])


def _keywords(function: str, name: str) -> Iterator[str]:
    for call in _calls(function):
        for keyword in call.keywords:
            if keyword.arg == name:
                yield from _texts(keyword.value)


def _calls(function: str) -> Iterator[ast.Call]:
    for path in _files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _name(node.func) == function:
                yield node


def _files() -> Iterator[Path]:
    yield from sorted(SOURCES.rglob("*.py"))


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _texts(node: ast.expr) -> Iterator[str]:
    """Yield the words an expression can be: a text, one of two, or one with the mode in it."""
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.IfExp(body=body, orelse=other):
            yield from _texts(body)
            yield from _texts(other)
        case ast.JoinedStr(values=[ast.Constant(value=str() as text), ast.FormattedValue(value=ast.Name(id="mode"))]):
            yield from (f"{text}{mode}" for mode in MODES if mode != "Enforce")
        case ast.JoinedStr():
            msg = f"a word that cannot be foretold: {ast.unparse(node)}"
            raise AssertionError(msg)
        case _:  # passed on from a parameter: whoever calls that says the word
            return


def sections(page: str) -> dict[str, str]:
    """Return the text of each section of a page by its heading, that of its subsections left out."""
    parts = re.split(r"^(#{1,6} .*)$", page, flags=re.MULTILINE)
    return {heading.lstrip("# "): text for heading, text in zip(parts[1::2], parts[2::2], strict=True)}


def first_cells(text: str) -> list[str]:
    """Return the first cell of each row of a table, without its head."""
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return [row.split(" | ")[0].removeprefix("| ") for row in rows[1:]]


def words(text: str) -> list[str]:
    """Return what stands in backticks."""
    return re.findall(r"`([^`]+)`", text)
