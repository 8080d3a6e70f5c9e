"""The report for people: short when all is well, aligned, colour where it is asked for."""

from __future__ import annotations

import io
import sys
from typing import Final

import msgspec
import pytest

from tests.check.running import KNOWN, Folder, deployment, pod
from tiergate.check import markdown, text
from tiergate.check.result import BoundSum, NamespaceResult, ObjectResult, Report, ReportedFinding
from tiergate.core.quantity import Quantity

AMOUNT: Final = Quantity.parse


def a_sum(*, hard: str = "10", used: str | None = "0", steady: str = "2", peak: str = "4") -> BoundSum:
    known = None if used is None else AMOUNT(used)
    return BoundSum(
        quota="compute", resource="pods", hard=AMOUNT(hard), used=known, steady=AMOUNT(steady), peak=AMOUNT(peak)
    )


def bar(one: BoundSum) -> str:
    namespace = NamespaceResult(name="dev", tier="dev", mode="Enforce", sums=(one,))
    return list(text.render(Report(objects=(), namespaces=(namespace,)), text.Style(unicode=False)))[1]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        pytest.param(a_sum(), "  pods  ####++++............  2 of 10  peak 4", id="room"),
        pytest.param(a_sum(peak="2"), "  pods  ####................  2 of 10", id="no-surge"),
        pytest.param(a_sum(used="5"), "  pods  ==========####++++..  7 of 10 (5 besides)  peak 9", id="used"),
        pytest.param(a_sum(used=None), "  pods  ####++++............  2 of 10  peak 4", id="usage-not-known"),
        pytest.param(a_sum(steady="11", peak="14"), "  pods  ####################  11 of 10  peak 14", id="over"),
        pytest.param(a_sum(used="30"), "  pods  ====================  32 of 10 (30 besides)  peak 34", id="used-up"),
        pytest.param(a_sum(hard="0"), "  pods  ####################  2 of 0  peak 4", id="none-allowed"),
        pytest.param(a_sum(steady="1m", peak="1m"), "  pods  #...................  1m of 10", id="a-little-shows"),
    ],
)
def test_a_bar_shows_what_is_used_asked_and_needed_at_the_peak(one: BoundSum, expected: str) -> None:
    assert bar(one) == expected


@pytest.mark.parametrize(
    ("quotas", "columns"),
    [
        pytest.param({"all": "pods"}, ["pods  ##"], id="one"),
        pytest.param({"all": "pods", "batch": "pods"}, ["all    pods  ##", "batch  pods  ##"], id="two"),
    ],
)
def test_a_bar_names_its_quota_where_there_are_several(quotas: dict[str, str], columns: list[str]) -> None:
    sums = tuple(msgspec.structs.replace(a_sum(), quota=name, resource=each) for name, each in quotas.items())
    report = Report(objects=(), namespaces=(NamespaceResult(name="dev", tier="dev", mode="Enforce", sums=sums),))
    lines = list(text.render(report, text.Style(unicode=False)))[1:-1]
    assert [line[2 : len(said) + 2] for line, said in zip(lines, columns, strict=True)] == columns
    assert ("| quota |" in markdown.render(report)) == (len(quotas) > 1)


def test_the_numbers_of_the_last_line_add_up() -> None:
    """What is unproved beside a finding, and warnings about the sum of a namespace, are no objects of their own."""
    warned = msgspec.structs.replace(_FAILED.objects[0].findings[0], severity="warning")
    objects = tuple(
        msgspec.structs.replace(_FAILED.objects[0], findings=findings, unproved=unproved)
        for findings, unproved in ((_FAILED.objects[0].findings, "why"), ((warned,), "why"), ((), "why"), ((), ""))
    )
    namespaces = [NamespaceResult(name=one, tier="dev", mode="Warn", findings=(warned,)) for one in ("a", "b")]
    report = Report(objects=objects, namespaces=tuple(namespaces), files=1)
    *_, unproved, last = text.render(report, text.Style())
    assert unproved == "unproved  3 objects: why"
    assert last == (
        "4 objects, 1 file: 1 pass, 1 fail, 1 warning, 1 unproved; 2 also unproved; warnings of namespaces: a, b"
    )


def test_bars_stand_in_columns(folder: Folder) -> None:
    folder.write({"a.yaml": deployment(replicas=2)})
    lines = [line for line in folder.check(*KNOWN, "a.yaml").out.splitlines() if " of " in line and "peak" in line]
    assert len(lines) > 2
    assert len({line.index("peak") for line in lines}) == 1


def test_what_passes_is_told_in_one_line_unless_more_is_asked_for(folder: Folder) -> None:
    folder.write({"a.yaml": "---\n".join(pod(f"p{n}") for n in range(5))})
    assert folder.check(*KNOWN, "-q", "a.yaml").out == "5 objects, 1 file: 5 pass, 0 fail, 0 warning, 0 unproved\n"
    assert "p3" not in folder.check(*KNOWN, "a.yaml").out
    assert "pass      pod p3 in dev (tier dev)" in folder.check(*KNOWN, "-v", "a.yaml").out


def test_quiet_leaves_the_findings(folder: Folder) -> None:
    folder.write({"a.yaml": pod(resources="{limits: {memory: 1Gi}}")})
    ran = folder.check(*KNOWN, "-q", "a.yaml")
    assert "limits.memory is 1Gi" in ran.out
    assert "namespace dev" not in ran.out


_FAILED: Final = Report(
    objects=(
        ObjectResult(
            path="a",
            kind="pod",
            name="x",
            findings=(
                ReportedFinding(
                    rule="r", severity="error", message="m", path="a", line=1, column=1, pointer="", object="pod x"
                ),
            ),
        ),
    ),
    files=1,
)


def test_colour_is_where_it_is_asked_for() -> None:
    assert "\033[31m" in "".join(text.render(_FAILED, text.Style(colour=True)))
    assert "\033" not in "".join(text.render(_FAILED, text.Style()))


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("terminal", "no_colour", "coloured"), [(True, "", True), (True, "1", False), (False, "", False)]
)
def test_colour_is_for_terminals_and_can_be_switched_off(
    folder: Folder,
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,  # noqa: FBT001
    no_colour: str,
    coloured: bool,  # noqa: FBT001
) -> None:
    folder.write({"a.yaml": pod(resources="{limits: {memory: 1Gi}}")})
    monkeypatch.setenv("NO_COLOR", no_colour)
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", (Terminal if terminal else io.TextIOWrapper)(written, encoding="utf-8"))
    folder.check(*KNOWN, "a.yaml")
    assert (b"\033[" in written.getvalue()) == coloured


def test_an_output_that_is_no_utf_8_gets_plain_bars(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write({"a.yaml": pod()})
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    assert folder.check(*KNOWN, "a.yaml").code == 0
    assert b"#" in written.getvalue()


@pytest.mark.parametrize("arguments", [(), ("-v", "--show-defaults"), ("--strict",)])
def test_what_manifests_say_cannot_write_to_the_terminal(folder: Folder, arguments: tuple[str, ...]) -> None:
    evil = "x\\n::error::y\\e[31m\\u2028"
    text = pod(resources="{limits: {memory: 1Gi}}").replace("name: one", f'name: "{evil}"')
    broken = f'"{evil}": 1\n"{evil}": 2\n'
    annotated = pod(annotations=f'check.tiergate.io/ignore-limit-max: "{evil}"', resources="{limits: {memory: 1Gi}}")
    folder.write(
        {
            "a.yaml": "---\n".join(
                [
                    text,
                    broken,
                    annotated,
                    text.replace("namespace: dev", f'namespace: "{evil}"'),
                    text.replace("name: agent", f'name: "{evil}"'),
                ]
            )
        }
    )
    ran = folder.check(*KNOWN, *arguments, "a.yaml")
    assert all(line.isprintable() for line in ran.out.split("\n"))
    assert not any(line.startswith("::") for line in ran.out.split("\n"))
