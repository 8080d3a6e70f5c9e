"""Reads the findings back from each format, for tests."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from typing import Final
from urllib.parse import unquote

import pytest

from tiergate.check import ci_formats, json_format, markdown
from tiergate.check.rule_texts import UNREADABLE

Found = tuple[str, str, int, str]
"""Rule, file, line and severity."""


def of_sarif(text: str) -> set[Found]:
    """Return the findings of sarif."""
    (run,) = json.loads(text)["runs"]
    rules = run["tool"]["driver"]["rules"]
    found = set()
    for one in run["results"]:
        assert rules[one["ruleIndex"]]["id"] == one["ruleId"].split("/")[0]
        place = one["locations"][0]["physicalLocation"]
        path = unquote(place["artifactLocation"]["uri"].removeprefix("file://"))
        found.add((one["ruleId"], path, place["region"]["startLine"], one["level"]))
    return found


def of_junit(text: str) -> set[Found]:
    """Return the findings of junit."""
    found = set()
    for failure in ET.fromstring(text).iter("failure"):  # noqa: S314  # of our own making
        path, line, _ = (failure.text or "").rsplit(":", 2)
        found.add((failure.attrib["type"], path, int(line), "error"))
    for out in ET.fromstring(text).iter("system-out"):  # noqa: S314  # as above
        for warning in (out.text or "").splitlines():
            path, line, _, rule, _ = warning.split(":", 4)
            found.add((rule.strip(), path, int(line), "warning"))
    return found


def of_github(text: str) -> set[Found]:
    """Return the findings of github."""
    pattern = re.compile(r"::(error|warning) file=([^,]*),line=([0-9]+),col=[0-9]+,title=tiergate ([a-z/-]+)::.+")
    matches = [pattern.fullmatch(line) for line in text.splitlines()]
    return {(one[4], unquote(one[2]), int(one[3]), one[1]) for one in matches if one}


def of_gitlab(text: str) -> set[Found]:
    """Return the findings of gitlab."""
    severity = {"major": "error", "minor": "warning"}
    return {
        (one["check_name"], one["location"]["path"], one["location"]["lines"]["begin"], severity[one["severity"]])
        for one in json.loads(text)
        if one["severity"] != "info"
    }


def of_markdown(text: str) -> set[Found]:
    """Return the findings of markdown."""
    rows = re.findall(r"^\| :(x|warning): \| `+ ?(.*):([0-9]+) ?`+ \| .* \((.*)\) \|$", text, re.MULTILINE)
    return {(rule, path, int(line), "error" if sign == "x" else "warning") for sign, path, line, rule in rows}


def of_json(text: str) -> set[Found]:
    """Return the findings of json."""
    report = json.loads(text)
    found = {(one["rule"], one["path"], one["line"], one["severity"]) for one in report["findings"]}
    return found | {(UNREADABLE, one["path"], one["line"] or 1, "error") for one in report["unread"]}


READERS: Final = [
    pytest.param(json_format.render, of_json, id="json"),
    pytest.param(ci_formats.sarif, of_sarif, id="sarif"),
    pytest.param(ci_formats.junit, of_junit, id="junit"),
    pytest.param(ci_formats.github, of_github, id="github"),
    pytest.param(ci_formats.gitlab, of_gitlab, id="gitlab"),
    pytest.param(markdown.render, of_markdown, id="markdown"),
]
"""What renders each format, and what reads it back."""
