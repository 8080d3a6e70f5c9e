"""The formats of other tools: all carry the same findings, each as its reader takes it."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import msgspec
import pytest

from tests.check.format_readers import READERS, Found, of_markdown
from tests.check.running import KNOWN, Folder, deployment, pod
from tiergate.check import ci_formats, markdown
from tiergate.check.markdown import MOST_CHARACTERS
from tiergate.check.problems import Problem, problems
from tiergate.check.result import NamespaceResult, ObjectResult, Report, ReportedFinding
from tiergate.cli.check import FORMATS
from tiergate.manifests.documents import Place
from tiergate.manifests.load import Unread

ODD: Final = 'a <b> & "c": 100%, @you | *x*'
"""Text with whatever one of the formats gives a meaning to."""


def a_told(
    number: int = 1, *, severity: str = "error", path: str = "m/a b.yaml", message: str = ODD
) -> ReportedFinding:
    return ReportedFinding(
        rule="limit-max",
        severity="error" if severity == "error" else "warning",
        message=message,
        path=path,
        line=number,
        column=3,
        pointer="/spec",
        object="pod x",
        namespace="dev",
    )


def a_result(*told: ReportedFinding, unproved: str = "") -> ObjectResult:
    return ObjectResult(path="m/a b.yaml", kind="pod", name="x", namespace="dev", findings=told, unproved=unproved)


REPORT: Final = Report(
    objects=(
        a_result(a_told(7), a_told(9, severity="warning", message="w")),
        a_result(unproved="not known"),
        a_result(),
    ),
    unread=(Unread("b.yaml", ODD, Place(4, 2)), Unread("c.yaml", "No such file or directory")),
    files=2,
)


def expected() -> set[Found]:
    return {(one.rule, one.path, one.line, one.severity) for one in problems(REPORT)}


@pytest.mark.parametrize(("render", "read"), READERS)
def test_every_format_carries_the_same_findings(
    render: Callable[[Report], str], read: Callable[[str], set[Found]]
) -> None:
    assert read(render(REPORT)) == expected()


_WARNED: Final = a_told(severity="warning")


@pytest.mark.parametrize(
    ("report", "outcome"),
    [
        (Report(objects=(a_result(),)), "fits"),
        (Report(objects=(a_result(a_told()),)), "does not fit"),
        (Report(objects=(a_result(_WARNED),)), "nothing would be refused, but there are warnings"),
        (Report(objects=(a_result(_WARNED), a_result(a_told()))), "does not fit"),
        (
            Report(objects=(), namespaces=(NamespaceResult(name="d", tier="d", mode="Warn", findings=(_WARNED,)),)),
            "nothing would be refused, but there are warnings",
        ),
        (Report(objects=(a_result(unproved="not known"),)), "not proved to fit"),
        (Report(objects=(), unread=REPORT.unread), "not all could be read"),
        (REPORT, "does not fit, and not all could be read"),
    ],
)
def test_the_headline_of_markdown_is_the_worst_of_the_report(report: Report, outcome: str) -> None:
    assert markdown.render(report).splitlines()[0] == f"### Tiergate: {outcome}"


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_whole_for_any_change_set(folder: Folder, name: str) -> None:
    folder.write({"a.yaml": deployment(replicas=30), "b.yaml": pod(), "c.yaml": "a: [", "d.yaml": "a: 1\n"})
    ran = folder.check(*KNOWN, "-o", name, "a.yaml", "b.yaml", "c.yaml", "d.yaml")
    assert ran.code == 3
    assert ran.out.endswith("\n")
    empty = folder.check(*KNOWN, "-o", name, "d.yaml")
    assert (empty.code, empty.err) == (0, "")


def test_a_sarif_log_says_what_a_reader_needs(folder: Folder) -> None:
    folder.write({"a.yaml": pod(resources="{limits: {memory: 1Gi}}")})
    log = json.loads(folder.check(*KNOWN, "-o", "sarif", "a.yaml").out)
    (run,) = log["runs"]
    assert (log["version"], run["columnKind"]) == ("2.1.0", "unicodeCodePoints")
    (rule,) = run["tool"]["driver"]["rules"]
    assert (rule["id"], rule["name"], "helpUri" in rule) == ("limit-max", "LimitMax", False)
    (result,) = run["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert (region, result["message"]["text"][:14]) == ({"startLine": 10, "startColumn": 26}, "pod one in dev")


@pytest.mark.parametrize(
    ("named", "known"),
    [
        ("./m/a.yaml", "m/a.yaml"),
        ("m//../m/a.yaml", "m/a.yaml"),
        ("{here}/m/a.yaml", "m/a.yaml"),
        ("../a.yaml", "../a.yaml"),
        ("/elsewhere/a b.yaml", "/elsewhere/a b.yaml"),
    ],
)
def test_paths_are_those_of_the_repository(folder: Folder, named: str, known: str) -> None:
    report = Report(objects=(a_result(a_told(path=named.format(here=folder.path))),))
    (result,) = json.loads(ci_formats.sarif(report))["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == (f"file://{quote(known)}" if known.startswith("/") else known)
    assert json.loads(ci_formats.gitlab(report))[0]["location"]["path"] == known
    assert f"file={known}," in ci_formats.github(report)


def test_a_rule_that_rests_on_another_is_described_by_the_first() -> None:
    told = msgspec.structs.replace(a_told(), rule="workload-never-runs/limit-max")
    (run,) = json.loads(ci_formats.sarif(Report(objects=(a_result(told),))))["runs"]
    assert [one["id"] for one in run["tool"]["driver"]["rules"]] == ["workload-never-runs"]
    assert [one["ruleId"] for one in run["results"]] == ["workload-never-runs/limit-max"]


def test_junit_counts_cases_failures_and_what_is_unproved() -> None:
    (suite,) = ET.fromstring(ci_formats.junit(REPORT))  # noqa: S314  # of our own making
    assert {key: suite.attrib[key] for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5", "failures": "3", "errors": "0", "skipped": "1",
    }  # fmt: skip
    failure = next(suite.iter("failure"))
    assert failure.attrib["message"] == ODD


def test_fingerprints_differ_and_stay_when_lines_move() -> None:
    def fingerprints(first: int) -> list[str]:
        report = Report(objects=(a_result(a_told(first), a_told(first + 1), a_told(first + 2, message="other")),))
        return [one["fingerprint"] for one in json.loads(ci_formats.gitlab(report))]

    assert len(set(fingerprints(1))) == 3
    assert fingerprints(1) == fingerprints(40)


def test_annotations_are_one_line_each_whatever_they_say() -> None:
    report = Report(objects=(a_result(a_told(path="a,b:c%.yaml", message="100%\r\n::error::x")),))
    assert ci_formats.github(report) == (
        "::error file=a%2Cb%3Ac%25.yaml,line=1,col=3,title=tiergate limit-max::pod x in dev: 100%25%0D%0A::error::x\n"
    )


def test_a_comment_fits_and_counts_what_is_left_out() -> None:
    report = Report(objects=tuple(a_result(a_told(n, message=f"m{n} " * 20)) for n in range(1, 2000)))
    text = markdown.render(report)
    assert len(text) <= MOST_CHARACTERS
    left_out = re.search(r"and ([0-9]+) more", text)
    assert left_out is not None
    assert int(left_out[1]) + len(of_markdown(text)) == 1999


def test_a_comment_is_cut_at_the_end_of_a_line() -> None:
    """Code that is left open would show what follows it as markup."""
    namespaces = tuple(NamespaceResult(name="n" * 190, tier="t" * 190, mode="Enforce") for _ in range(200))
    text = markdown.render(Report(objects=(), namespaces=namespaces))
    assert MOST_CHARACTERS - 500 < len(text) <= MOST_CHARACTERS
    assert {line.count("<code>") - line.count("</code>") for line in text.splitlines()} == {0}


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (Problem(rule="r", severity="error", message="m", path="p", line=1, column=1), "m"),
        (Problem(rule="r", severity="error", message="m", path="p", line=1, column=1, object="tier x"), "tier x: m"),
    ],
)
def test_a_message_names_its_object(one: Problem, said: str) -> None:
    assert one.said == said


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_says_what_is_not_known(folder: Folder, form: str) -> None:
    folder.write({"a.yaml": pod("one") + "---\n" + pod("two")})
    ran = folder.check("--tiers", "around/tiers.yaml", "--tier", "dev", "--strict", "-o", form, "a.yaml")
    assert (ran.code, "what is used in dev is not known" in ran.out) == (1, True)
    assert ran.out.count("2 objects") == (
        0 if form in ("json", "junit") else 1 + (form == "text") + (form == "markdown")
    )
