"""Reports for continuous integration: GitHub's annotations, GitLab's Code Quality, JUnit, SARIF.

Sources: GitHub "Workflow commands", GitLab "Code Quality report format", the JUnit schema of Jenkins' xUnit plugin,
OASIS SARIF 2.1.0.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from typing import Any, Final
from urllib.parse import quote

from tiergate.check.escaping import attribute, command_data, command_property, json_text, markup, sarif_message
from tiergate.check.problems import Problem, problems
from tiergate.check.result import Report
from tiergate.check.rule_texts import TEXTS, UNREADABLE, base, docs_url, help_page, version

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def _path(path: str) -> str:
    """Return a path as hosts of repositories know it: below the current folder without what leads there."""
    shorter = os.path.normpath(path)
    here = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118 - a Path costs more than the rest
    return shorter.removeprefix(here)


def _uri(path: str) -> str:
    shorter = _path(path)
    return f"file://{quote(shorter)}" if shorter.startswith("/") else quote(shorter)


def github(report: Report) -> str:
    """Return workflow commands that annotate the lines of a pull request."""
    return "".join(
        f"::{one.severity} file={command_property(_path(one.path))},line={one.line},col={one.column},"
        f"title={command_property(f'tiergate {one.rule}')}::{command_data(one.said)}\n"
        for one in problems(report)
    ) + "".join(
        f"::notice file={command_property(_path(one.path))},title=tiergate unproved::{command_data(one.said)}\n"
        for one in report.unproved
    )


def gitlab(report: Report) -> str:
    """Return a Code Quality report; a fingerprint stays while a finding only moves to another line."""
    issues = []
    seen: defaultdict[str, int] = defaultdict(int)
    for one in problems(report):
        text = f"{one.path}\0{one.rule}\0{one.where}\0{one.message}"
        seen[text] += 1
        issues.append(
            {
                "description": one.said,
                "check_name": one.rule,
                "fingerprint": hashlib.sha256(f"{text}\0{seen[text]}".encode()).hexdigest(),
                "severity": "major" if one.severity == "error" else "minor",
                "location": {"path": _path(one.path), "lines": {"begin": one.line}},
            }
        )
    for unknown in report.unproved:
        text = f"{unknown.path}\0unproved\0{unknown.reason}"
        issues.append(
            {
                "description": unknown.said,
                "check_name": "unproved",
                "fingerprint": hashlib.sha256(text.encode()).hexdigest(),
                "severity": "info",
                "location": {"path": _path(unknown.path), "lines": {"begin": 1}},
            }
        )
    return json_text(issues)


def sarif(report: Report) -> str:
    """Return a SARIF log of one run.

    Raises:
        NoAddress: What the environment calls the address of the documentation is none.
    """
    found = list(problems(report))
    rules = sorted({base(one.rule) for one in found})
    docs, release = docs_url(), version()
    driver = {
        "name": "tiergate",
        **({"version": release} if release else {}),
        **({"informationUri": docs} if docs else {}),
        "rules": [_rule(rule, docs) for rule in rules],
    }
    results = [_result(one, rules.index(base(one.rule))) for one in found]
    notes = [{"level": "note", "message": {"text": sarif_message(one.said)}} for one in report.unproved]
    invocation = {"executionSuccessful": True, "toolExecutionNotifications": notes}
    run = {
        "tool": {"driver": driver},
        **({"invocations": [invocation]} if notes else {}),
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


_NAMES: Final = {UNREADABLE: "UnreadableInput", "malformed": "MalformedValue"}
"""Of rules of one word: a name must not be the id (SARIF 2.1.0, 3.49.7)."""


def _rule(rule: str, docs: str) -> dict[str, Any]:
    """Describe a rule. Rules that rest on it have no description of their own (SARIF 2.1.0, 3.49.3)."""
    text, page = TEXTS[rule], help_page(rule)
    more = {"text": f"{text} See docs/{page}"}
    return {
        "id": rule,
        "name": _NAMES.get(rule) or "".join(word.capitalize() for word in rule.split("-")),
        "shortDescription": {"text": text},
        "fullDescription": {"text": text},
        "help": {**more, "markdown": f"{text} [More]({docs}/{page})"} if docs else more,
        **({"helpUri": f"{docs}/{page}"} if docs else {}),
    }


def _result(one: Problem, rule: int) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(one.path)},
            "region": {"startLine": one.line, "startColumn": one.column},
        }
    }
    if one.object:
        location["logicalLocations"] = [{"fullyQualifiedName": one.where, "kind": "object"}]
    return {
        "ruleId": one.rule,
        "ruleIndex": rule,
        "level": one.severity,
        "message": {"text": sarif_message(one.said)},
        "locations": [location],
    }


def junit(report: Report) -> str:
    """Return a test suite: a case for each object, for each namespace, and for what could not be read."""
    cases = [_unread(one) for one in problems(report) if not one.object]
    for result in report.objects:
        where = f"{result.kind} {result.name}" + (f" in {result.namespace}" if result.namespace else "")
        failures = [one for one in result.findings if one.severity == "error"]
        warnings = [one for one in result.findings if one.severity == "warning"]
        cases.append(_case(result.path, where, failures, warnings, skipped=result.unproved))
    for namespace in report.namespaces:
        failures = [one for one in namespace.findings if one.severity == "error"]
        warnings = [one for one in namespace.findings if one.severity == "warning"]
        cases.append(_case("change set", f"namespace {namespace.name}", failures, warnings))
    failed = sum("<failure" in case for case in cases)
    skipped = sum("<skipped" in case for case in cases)
    counts = f'tests="{len(cases)}" failures="{failed}" errors="0" skipped="{skipped}"'
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n<testsuite name="tiergate" {counts}>\n'
    return f"{head}{''.join(cases)}</testsuite>\n</testsuites>\n"


def _unread(one: Problem) -> str:
    text = f"{one.path}:{one.line}:{one.column}"
    failure = f"<failure type={attribute(one.rule)} message={attribute(one.message)}>{markup(text)}</failure>"
    return f"<testcase classname={attribute(one.path)} name={attribute(text)}>{failure}</testcase>\n"


def _case(file: str, name: str, failures: list[Any], warnings: list[Any], *, skipped: str = "") -> str:
    inside = "".join(
        f"<failure type={attribute(one.rule)} message={attribute(one.message)}>"
        f"{markup(f'{one.path}:{one.line}:{one.column}')}</failure>"
        for one in failures
    )
    if not failures and skipped:
        inside += f"<skipped message={attribute(skipped)}/>"
    if warnings:
        text = "\n".join(f"{one.path}:{one.line}:{one.column}: {one.rule}: {one.message}" for one in warnings)
        inside += f"<system-out>{markup(text)}</system-out>"
    return f"<testcase classname={attribute(file)} name={attribute(name)}>{inside}</testcase>\n"
