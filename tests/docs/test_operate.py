"""docs/operate.md has everything that the product refuses, warns of, reports or alarms, in the product's words."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.docs import promises, samples
from tests.docs.promises import first_cells, sections, words
from tests.docs.values import ROOT
from tiergate.cli.exit_codes import Exit
from tiergate.cli.main import EXIT_CODES

PAGE: Final = (ROOT / "docs" / "operate.md").read_text()
SECTIONS: Final = sections(PAGE)
REFUSALS: Final = {rule: text for heading, text in SECTIONS.items() if "`" in heading for rule in words(heading)}
ALERTS: Final = {heading: text for heading, text in SECTIONS.items() if heading.startswith("Tiergate")}


async def test_every_refusal_has_a_section_and_no_other() -> None:
    assert promises.rules() <= REFUSALS.keys()
    assert REFUSALS.keys() == {rule async for rule, _ in samples.refusals()}


@pytest.mark.parametrize("rule", sorted(REFUSALS))
def test_a_section_of_a_refusal_says_what_it_means_and_who_does_what(rule: str) -> None:
    assert re.findall(r"^- \*\*(.+?):\*\*", REFUSALS[rule], flags=re.MULTILINE) == ["Means", "Tenant", "Platform team"]


async def test_refusals_are_shown_in_the_product_s_words() -> None:
    missing = []
    async for rule, message in samples.refusals():
        blocks = re.findall(r"^```\n(.*?)\n```$", REFUSALS[rule], flags=re.MULTILINE | re.DOTALL)
        if message not in [line for block in blocks for line in block.splitlines()]:
            missing.append((rule, message))
    assert missing == []


async def test_warnings_are_shown_in_the_product_s_words() -> None:
    """Those that end in what differs from case to case are shown up to there."""
    shown = [words(cell)[0] for cell in first_cells(SECTIONS["Warnings"])]
    assert [
        warning
        async for warning in samples.warnings()
        if not any(warning == one or ("..." in one and warning.startswith(one.removesuffix("..."))) for one in shown)
    ] == []


async def test_every_warning_that_is_shown_is_one_of_the_product() -> None:
    said = [warning async for warning in samples.warnings()]
    for cell in first_cells(SECTIONS["Warnings"]):
        text = words(cell)[0].removesuffix("...")
        assert any(one.startswith(text) for one in said), text


def test_every_reason_of_a_condition_or_an_event_is_explained() -> None:
    conditions = [word for cell in first_cells(SECTIONS["Conditions of a Tier"]) for word in words(cell)]
    events = [words(cell)[0] for cell in first_cells(SECTIONS["Events"])]
    assert {*conditions, *events} == promises.reasons()


def test_every_outcome_and_every_reason_in_the_log_and_the_metric_is_explained() -> None:
    explained = {word for cell in first_cells(SECTIONS["The review log"]) for word in words(cell)}
    assert explained == promises.outcomes()


@pytest.mark.parametrize("fault", list(promises.value_faults()), ids=lambda fault: max(fault, key=len))
def test_every_fault_of_values_is_explained(fault: list[str]) -> None:
    """Each row is compared by what stays the same in its message."""
    shown = [words(cell)[0] for cell in first_cells(SECTIONS["Values that Helm refuses"])]
    pattern = re.compile(".*".join(re.escape(part) for part in fault))
    assert any(pattern.search(message) for message in shown), fault


def test_every_alert_has_a_section_and_no_other() -> None:
    """By its name, as alerts point to it."""
    assert sorted(ALERTS) == sorted(promises.alerts())


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_a_section_of_an_alert_says_what_it_means_and_who_does_what(alert: str) -> None:
    found = re.findall(r"^- \*\*(.+?):\*\*", ALERTS[alert], flags=re.MULTILINE)
    assert found == ["Means", "Tenants see", "Platform team"]


def test_every_exit_code_is_explained() -> None:
    rows = [cell for cell in first_cells(SECTIONS["Exit codes"]) if cell.isdecimal()]
    assert rows == [str(code) for code in sorted(set(map(int, Exit)))]
    assert all(f"{code} " in EXIT_CODES for code in rows)
