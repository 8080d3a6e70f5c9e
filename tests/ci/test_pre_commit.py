"""The hook, run by pre-commit itself in a repository of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.ci import page
from tests.docs.values import ROOT

HOOK: Final = "tiergate-check"
BUILT: Final = ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml", "webhook", "certs")
"""What the package is built from."""


class Repository:
    """A git repository in a folder, with what pre-commit keeps beside it."""

    def __init__(self, folder: Path) -> None:
        """Make it."""
        self.folder = folder
        folder.mkdir()
        self.git("init", "-q")

    def commit(self, tag: str) -> None:
        """Commit everything."""
        self.git("add", "-A")
        self.git("-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "--no-verify", "-m", "x")
        self.git("tag", tag)

    def git(self, *words: str) -> str:
        """Run git, deaf to hooks and settings of whoever runs the tests."""
        ran = subprocess.run(["git", *words], cwd=self.folder, env=environment(self), capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def pre_commit(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run pre-commit."""
        command = [sys.executable, "-m", "pre_commit", *words]
        return subprocess.run(
            command, cwd=self.folder, env=environment(self), capture_output=True, text=True, timeout=300
        )


def environment(repository: Repository) -> dict[str, str]:
    """Return the environment of git and pre-commit."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "PRE_COMMIT"))}
    return {
        **kept,
        "PRE_COMMIT_HOME": str(repository.folder.parent / "kept"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }


def configuration(source: Path) -> str:
    """Return the configuration of the page with the repository that the hook comes from."""
    found: dict[str, Any] = yaml.safe_load(page.FILES[".pre-commit-config.yaml"])
    found["repos"][0]["repo"] = str(source)
    return yaml.safe_dump(found)


@pytest.mark.slow
def test_a_commit_goes_red_and_green(tmp_path: Path) -> None:
    source = Repository(tmp_path / "source")
    for name in BUILT:
        path = ROOT / name
        copy = shutil.copytree if path.is_dir() else shutil.copy
        copy(path, source.folder / name)
    source.commit("v0.1.0")
    mine = Repository(tmp_path / "mine")
    page.write(mine.folder, green=False)
    (mine.folder / ".pre-commit-config.yaml").write_text(configuration(source.folder))
    mine.git("add", "-A")
    red = mine.pre_commit("run", HOOK)
    if re.search(r"Could not find a version|ConnectionError|Max retries", red.stdout):
        pytest.skip(f"pip finds no package index: {red.stdout[-300:]}")
    assert red.returncode == 1, red.stdout + red.stderr
    assert page.COMMANDS[0].partition("\n")[2] in red.stdout
    page.write(mine.folder, green=True)
    mine.git("add", "-A")
    green = mine.pre_commit("run", HOOK)
    assert (green.returncode, "Passed" in green.stdout) == (0, True), green.stdout
    mine.commit("done")
    (mine.folder / "notes.txt").write_text("x")
    mine.git("add", "-A")
    other = mine.pre_commit("run", HOOK)
    assert "no files to check" in other.stdout.lower()


def test_the_page_uses_the_hook_that_there_is() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    (repository,) = yaml.safe_load(page.FILES[".pre-commit-config.yaml"])["repos"]
    assert [one["id"] for one in repository["hooks"]] == [hook["id"]] == [HOOK]
    assert hook["entry"] == "tiergate check"


def test_every_pipeline_of_the_page_fails_for_what_cannot_be_checked() -> None:
    pipelines = [text for name, text in page.FILES.items() if name.startswith((".", "jobs"))]
    assert len(pipelines) == 4
    assert [text for text in pipelines if "--strict" not in text] == []
