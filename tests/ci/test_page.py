"""docs/ci.md: its commands print what it says."""

from __future__ import annotations

import shlex

import pytest

from tests.check.running import Folder
from tests.ci import page


@pytest.mark.parametrize(("number", "green", "code"), [(0, False, 1), (1, True, 0)], ids=["red", "green"])
def test_a_command_prints_what_the_page_says(folder: Folder, number: int, green: bool, code: int) -> None:  # noqa: FBT001
    command, _, shown = page.COMMANDS[number].partition("\n")
    page.write(folder.path, green=green)
    program, name, *arguments = shlex.split(command.removeprefix("$ "))
    ran = folder.check(*arguments)
    assert (program, name, ran.code) == ("tiergate", "check", code)
    assert ran.out == shown


def test_every_block_is_tried_by_a_test() -> None:
    """Files by the parts of CI that they are for, commands above, the annotation by the action."""
    tried = {
        "tiers.yaml",
        page.MANIFEST,
        ".github/workflows/manifests.yaml",
        "jobs of .github/workflows/manifests.yaml",
        ".gitlab-ci.yml",
        ".pre-commit-config.yaml",
    }
    assert page.FILES.keys() == tried
    others = [text for text in page.BLOCKS if text not in page.FILES.values() and text not in page.COMMANDS]
    assert [text[:8] for text in others] == ["::error "]
