"""Each format is what its readers document, over the corpus of manifests and whatever tenants write."""

from __future__ import annotations

import argparse
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from lxml import etree

from tests.check import multitool
from tests.check.format_readers import READERS, Found
from tests.check.running import Folder, deployment, pod
from tests.corpus.test_sets import SETS
from tests.docs.values import ROOT
from tiergate.check import ci_formats, json_format, rule_texts
from tiergate.check.problems import problems
from tiergate.check.result import Report
from tiergate.cli import check

TIGHT: Final = """\
apiVersion: tiergate.io/v1alpha1
kind: Tier
metadata: {name: tight}
spec:
  enforcement: %s
  limits:
  - type: Container
    default: {cpu: 1m, memory: 1Mi}
    max: {cpu: 1m, memory: 1Mi}
    min: {cpu: 1m, memory: 1Mi}
  quotas:
  - name: compute
    hard: {pods: "1", limits.cpu: 2m}
"""
"""Refuses nearly everything."""
HOSTILE: Final = {
    "a, b:c%.yaml": pod('"x]]>&<\\u0001\\u2028\\ud7ff::error::|`"', namespace="dev"),
    "dir with space/é.yaml": pod(resources="{limits: {memory: 1Gi}}") + "---\na: [\n",
    "same.yaml": "---\n".join(deployment(f"d{n}", replicas=9, cpu="600m") for n in range(3)),
    "bytes.yaml": 'kind: "\\0"\nkind: 1\n',
}
CODE_QUALITY: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "pattern": "^[a-z/-]+$"},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "additionalProperties": False,
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "minLength": 1, "not": {"pattern": r"^\./"}},
                    "lines": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
"""The fields that GitLab documents for a report that it did not make itself."""
ANNOTATION: Final = re.compile(
    r"::(error|warning) file=[^,:\r\n]+,line=[1-9][0-9]*,col=[1-9][0-9]*,title=[^,:\r\n]+::[^\r\n]+"
)
"""A workflow command of GitHub: values without what separates them, one line."""


def checked(folder: Folder, *, mode: str, usage: tuple[str, ...] = ("--usage", "none")) -> Report:
    """Return the report on the whole corpus and on hostile manifests, under a tier that refuses nearly everything."""
    folder.write({"around/tight.yaml": TIGHT % mode, **{f"hostile/{name}": text for name, text in HOSTILE.items()}})
    shutil.copytree(SETS, folder.path / "sets")
    parser = argparse.ArgumentParser()
    check.add_arguments(parser)
    surroundings = ("--tiers", "around/tight.yaml", "--tier", "tight", "-n", "dev", *usage)
    return check._report(parser.parse_args([*surroundings, "hostile", "sets", "none.yaml"]))


@pytest.fixture(params=["Enforce", "Warn"])
def report(request: pytest.FixtureRequest, folder: Folder) -> Report:
    return checked(folder, mode=request.param)


def test_the_corpus_breaks_rules_of_every_sort(folder: Folder) -> None:
    """Else the tests below would hold of nothing."""
    found = {one.rule for one in problems(checked(folder, mode="Enforce"))}
    assert {"unreadable", "limit-max", "workload-never-runs/limit-max", "change-set-exceeds-quota"} <= found


@pytest.mark.parametrize(("render", "read"), READERS)
def test_every_format_carries_the_findings_of_the_corpus(
    report: Report, render: Callable[[Report], str], read: Callable[[str], set[Found]]
) -> None:
    assert read(render(report)) == {(one.rule, one.path, one.line, one.severity) for one in problems(report)}


def test_junit_follows_its_schema(report: Report) -> None:
    schema = etree.XMLSchema(etree.parse(Path(__file__).with_name("junit.xsd")))
    parser = etree.XMLParser(resolve_entities=False)
    for one in (report, Report(objects=())):
        schema.assertValid(etree.fromstring(ci_formats.junit(one).encode(), parser))


def test_code_quality_has_the_documented_fields(report: Report) -> None:
    issues = json.loads(ci_formats.gitlab(report))
    jsonschema.validate(issues, CODE_QUALITY)
    assert len({one["fingerprint"] for one in issues}) == len(issues) > 0


def test_annotations_are_workflow_commands(report: Report) -> None:
    lines = ci_formats.github(report).split("\n")
    assert lines.pop() == ""
    assert [line for line in lines if not ANNOTATION.fullmatch(line)] == []


def test_json_follows_its_schema(report: Report) -> None:
    schema = json.loads((ROOT / "docs/check.schema.json").read_text())
    jsonschema.validate(json.loads(json_format.render(report)), schema)


def test_regions_are_where_the_value_is_written(folder: Folder) -> None:
    """Columns count code points from 1, as ``columnKind`` says, also behind what is longer in other encodings."""
    text = pod(resources='{x: "é😀", limits: {memory: 1Gi}}')
    folder.write({"a.yaml": text})
    ran = folder.check("--tiers", "around/tiers.yaml", "--tier", "dev", "--usage", "none", "-o", "sarif", "a.yaml")
    (run,) = json.loads(ran.out)["runs"]
    (result,) = run["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    line = text.splitlines()[region["startLine"] - 1]
    assert run["columnKind"] == "unicodeCodePoints"
    assert line[region["startColumn"] - 1 :].startswith("memory: 1Gi")


ACCEPTED: Final = {
    "SARIF2002",  # texts with ids and arguments: each sentence is made for its values
    "SARIF2003",  # where the version control is: whoever uploads the log knows it
    "SARIF2006",  # asks the network for each address
    "SARIF2009",  # ids such as AB1234: ours are words, the same as in the cluster's answers
    "SARIF2010",  # snippets: whoever shows the log has the files
    "SARIF2011",  # and what is around them
}
"""Advice that is not taken."""


@pytest.mark.slow
@pytest.mark.parametrize("usage", [("--usage", "none"), ()], ids=["known", "unproved"])
def test_sarif_passes_its_validator_and_the_rules_of_github(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, usage: tuple[str, ...]
) -> None:
    monkeypatch.setenv(rule_texts.DOCS_URL, "https://git.example/tiergate/docs")
    log = tmp_path / "log.sarif"
    log.write_text(ci_formats.sarif(checked(folder, mode="Enforce", usage=usage)))
    found = multitool.complaints(log, tmp_path / "found.sarif")
    assert {one for one in found if one[0] not in ACCEPTED or one[1] != "note"} == set()


@pytest.mark.slow
def test_the_validator_would_tell(tmp_path: Path) -> None:
    """A log with a rule that is not there and a region that begins nowhere."""
    log = json.loads(ci_formats.sarif(Report(objects=())))
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": "a b"}, "region": {"startLine": 0}}}
    log["runs"][0]["results"] = [{"ruleId": "x", "ruleIndex": 7, "message": {"text": "x"}, "locations": [location]}]
    broken = tmp_path / "broken.sarif"
    broken.write_text(json.dumps(log))
    found = multitool.complaints(broken, tmp_path / "found.sarif")
    assert "error" in {level for _, level in found}
