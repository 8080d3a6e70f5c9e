"""What manifests and files are called is text in every format, whatever signs the format or its reader knows."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from typing import Any, Final

import pytest

from tests.check.running import Folder, deployment, pod
from tests.check.test_format_validity import ANNOTATION
from tiergate.check.escaping import log_line, markdown_cell, markdown_code
from tiergate.cli.check import FORMATS

NAMES: Final = (
    "::error::x", "  ::stop-commands::x", "a%0A::error::x", "a\r\n::error file=x::y", "##[add-path]x", "###[error]x",
    "##vso[task.setvariable variable=x]y", "a,b:c%d", "@everyone @org/team #1 :+1: 0123456789abcdef",
    "https://x.example www.x.example a@x.example", "[a](https://x.example) ![b](x)", "<img src=x onerror=y></details>",
    "a|b\\|c\\\\|d", "``a` `b", "`", "`` ` ``", "**a** _b_ ~c~ \\", "{0} {{1}} [x](1)", "&lt; ]]> <!-- ' \"",
    "\x1b[31m\x07\x9b31m", "\x00\x01\ufffe\uffff\u2028\u202e", "\ud800", "a\nb\tc",
)  # fmt: skip
PIPELINE: Final = re.compile(r"##(\[|vso\[)|^\s*::(?!error |warning )", re.MULTILINE)
"""What a log must not have: commands but our own annotations."""


def written(folder: Folder, name: str) -> list[str]:
    """Write manifests that are called so, in a file and a namespace that are, and return the arguments of a check."""
    text, file = json.dumps(name), re.sub(r"[/\0\ud800]", "_", name) + ".yaml"
    limits = [{"type": "Container", "max": {"memory": "1Mi"}, "default": {"example.com/a": 1}}]
    spec = {"limits": limits, "quotas": [{"name": name, "hard": {"pods": "0"}}]}
    tier = {"apiVersion": "tiergate.io/v1alpha1", "kind": "Tier", "metadata": {"name": "dev"}, "spec": spec}
    ignores = f"check.tiergate.io/ignore-workload-never-runs: {text}"
    documents = [
        pod(text, namespace=text, resources="{limits: {memory: 1Gi}}"),
        deployment(text, namespace=text, annotations=ignores),
        pod(text, resources="{limits: {memory: 1x}}").replace("name: agent", f"name: {text}"),
        f"{text}: [\n",
        f"{text}: 1\n{text}: 2\n",
    ]
    folder.write({"t.json": json.dumps(tier), file: "---\n".join(documents)})
    return ["--tiers", "t.json", "--tier", "dev", "--usage", "none", f"./{file}"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_text_in_every_format(folder: Folder, name: str) -> None:
    arguments = written(folder, name)
    outputs = [word for form in FORMATS for word in ("-o", form, "--output-file", f"out.{form}")]
    ran = folder.check(*outputs, "-v", *arguments)
    assert (ran.code, ran.out, ran.err) == (3, "", "")
    for form in FORMATS:
        out = (folder.path / f"out.{form}").read_text()
        assert out.replace("\n", "").isprintable(), form
        assert PIPELINE.findall(out) == [], form
        CHECKS[form](out)


def is_xml(out: str) -> None:
    (suite,) = ET.fromstring(out)  # noqa: S314  # of our own making
    assert {one.tag for one in suite.iter()} <= {"testsuite", "testcase", "failure", "skipped", "system-out"}


def is_sarif(out: str) -> None:
    (run,) = json.loads(out)["runs"]
    for one in run["results"]:
        text = one["message"]["text"]
        assert re.search(r"(?<!\{)(\{\{)*\{(?!\{)", text) is None
        assert "](" not in text


def are_annotations(out: str) -> None:
    assert [line for line in out.splitlines() if not ANNOTATION.fullmatch(line)] == []


def is_markdown(out: str) -> None:
    """Beside code there is nothing but our own markup: cells are split first, then code is found."""
    for line in out.splitlines():
        cells = re.split(r"(?:[^|\\]|\\.)*?\|", line) if line.startswith("|") else []
        assert len(cells) in (0, 5, 6), line  # three cells of findings, four of sums
        rest = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)|<code>[^<]*</code>", "", line)
        assert re.fullmatch(r"[A-Za-z0-9#:().,;/ |<>-]*", rest), line
        assert set(re.findall(r"<[^>]*>", rest)) <= {"<details>", "<summary>", "</summary>", "</details>"}


CHECKS: Final[dict[str, Any]] = {
    "text": lambda _: None,
    "json": json.loads,
    "sarif": is_sarif,
    "junit": is_xml,
    "github": are_annotations,
    "gitlab": json.loads,
    "markdown": is_markdown,
}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", ""), ("a", "`a`"), ("`", "`` ` ``"), ("a``b`", "``` a``b` ```"), (" a", "`  a `"), ("a`b", "``a`b``"),
    ],
)  # fmt: skip
def test_code_holds_any_backticks(text: str, code: str) -> None:
    assert markdown_code(text) == code


def test_a_backslash_does_not_end_a_cell() -> None:
    assert markdown_cell("a|b\\|c") == "`a\\|b\\ \\|c`"


@pytest.mark.parametrize("line", ["## heading", "  pods  ####++++..", "a::b"])
def test_other_lines_stay(line: str) -> None:
    assert log_line(line) == line
