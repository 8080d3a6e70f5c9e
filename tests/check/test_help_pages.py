"""Every rule has a sentence, and an address that leads to what the documentation says of it."""

from __future__ import annotations

import json
import re
import typing
from importlib import metadata
from typing import Final

import pytest

from tests.check.running import KNOWN, Folder, pod
from tests.docs.values import ROOT
from tiergate.check import rule_texts
from tiergate.check.result import API_VALIDATION, DIFFERS, REPEATED
from tiergate.core.decision import RuleId

DOCS: Final = "https://git.example/team/tiergate/-/blob/v1/docs"


def test_every_rule_has_a_sentence_and_no_other() -> None:
    sums = {"change-set-exceeds-quota", "change-set-rollout-stalls"}
    of_check = {*sums, API_VALIDATION, DIFFERS, REPEATED, rule_texts.UNREADABLE}
    assert rule_texts.TEXTS.keys() == {*typing.get_args(RuleId), *of_check}
    assert all(re.fullmatch(r"[A-Z].*\.", text) for text in rule_texts.TEXTS.values())


@pytest.mark.parametrize("rule", sorted(rule_texts.TEXTS))
def test_the_page_of_a_rule_has_a_place_of_its_name(rule: str) -> None:
    """An anchor, or a heading that is the rule alone, of which a reader of Markdown makes one."""
    page, _, anchor = rule_texts.help_page(f"{rule}/limit-max").partition("#")
    text = (ROOT / "docs" / page).read_text()
    assert anchor == rule
    assert f'<a id="{anchor}"></a>' in text or re.search(rf"^#+ `{anchor}`$", text, re.MULTILINE)


def driver(folder: Folder) -> dict[str, typing.Any]:
    folder.write({"a.yaml": pod(resources="{limits: {memory: 1Gi}}")})
    (run,) = json.loads(folder.check(*KNOWN, "-o", "sarif", "a.yaml").out)["runs"]
    found: dict[str, typing.Any] = run["tool"]["driver"]
    return found


def test_the_environment_names_the_documentation(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(rule_texts.DOCS_URL, f"{DOCS}/")
    found = driver(folder)
    assert found["informationUri"] == DOCS
    assert found["rules"][0]["helpUri"] == f"{DOCS}/operate.md#limit-max"
    assert found["rules"][0]["help"]["markdown"].endswith(f"[More]({DOCS}/operate.md#limit-max)")


def test_the_metadata_of_the_package_name_it_else(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    message = metadata.metadata("tiergate")
    message["Project-URL"] = "Source, https://git.example/team/tiergate"  # type: ignore[index]  # a message of email
    message["Project-URL"] = f"Documentation, {DOCS}"  # type: ignore[index]  # as above
    monkeypatch.delenv(rule_texts.DOCS_URL, raising=False)
    monkeypatch.setattr(metadata, "metadata", lambda _name: message)
    assert driver(folder)["rules"][0]["helpUri"] == f"{DOCS}/operate.md#limit-max"


def test_without_an_address_none_is_made_up(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(rule_texts.DOCS_URL, raising=False)
    found = driver(folder)
    assert "informationUri" not in found
    assert found["rules"][0]["help"] == {"text": f"{rule_texts.TEXTS['limit-max']} See docs/operate.md#limit-max"}


@pytest.mark.parametrize("address", ["docs", "javascript:alert(1)", "https://a b", "https://a\nb"])
def test_what_is_no_address_is_refused(folder: Folder, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv(rule_texts.DOCS_URL, address)
    folder.write({"a.yaml": pod()})
    ran = folder.check(*KNOWN, "-o", "sarif", "a.yaml")
    assert (ran.code, ran.out) == (2, "")
    assert "TIERGATE_DOCS_URL is not an address" in ran.err
