"""What files/break-glass.sh says and changes, with a kubectl that only tells what it was asked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.chart.helm import CHART

KUBECTL = """\
#!/bin/sh
echo "$1" >> "$ASKED"
case "$*" in
  "get "*handed-over*resourceVersion* | "get "*resourceVersion*handed-over*) echo "7 $MARKED" ;;
  "get "*handed-over*) echo "$MARKED" ;;
  "get "*) echo "pods.validate.tiergate.io tiergate-system tiergate-webhook Fail" ;;
  *) echo "$1 done" ;;
esac
"""
SINCE = "2026-01-01T00:00:00Z"


def run(folder: Path, *words: str, marked: str = "") -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """Run the script; return what it did, and the verbs for which it called kubectl."""
    kubectl, asked = folder / "kubectl", folder / "asked"
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "ASKED": str(asked), "MARKED": marked}
    script = CHART / "files" / "break-glass.sh"
    done = subprocess.run(["sh", str(script), *words], env=environment, capture_output=True, text=True, check=False)
    return done, set(asked.read_text().split()) if asked.exists() else set()


@pytest.mark.parametrize(
    ("line", "marked", "verb"),
    [
        pytest.param("ignore", "", "patch", id="ignore"),
        pytest.param("ignore --during-handover", "", "patch", id="ignore-without-a-handover"),
        pytest.param("ignore --during-handover", SINCE, "patch", id="ignore-during-a-handover"),
        pytest.param("remove", "", "delete", id="remove"),
        pytest.param("remove", SINCE, "delete", id="remove-during-a-handover"),
    ],
)
def test_it_says_that_the_defaults_are_missing_and_how_to_have_them(
    tmp_path: Path, line: str, marked: str, verb: str
) -> None:
    done, asked = run(tmp_path, *line.split(), marked=marked)
    assert done.returncode == 0, done.stderr
    assert verb in asked
    assert "a pod without requests and limits is refused" in done.stdout
    assert """kubectl patch tier NAME --type merge -p '{"spec":{"nativeLimitRange":true}}'""" in done.stdout


def test_a_handover_is_not_ended_by_accident(tmp_path: Path) -> None:
    done, asked = run(tmp_path, "ignore", marked=SINCE)
    assert done.returncode == 1
    assert asked == {"get"}
    assert f"nothing was changed: the webhooks are handed over since {SINCE}" in done.stderr
    assert "ignore --during-handover" in done.stderr


@pytest.mark.parametrize("line", ["", "open", "ignore --force", "remove --during-handover", "status now"])
def test_other_words_change_nothing(tmp_path: Path, line: str) -> None:
    done, asked = run(tmp_path, *line.split())
    assert done.returncode == 2
    assert not asked
    assert "usage: " in done.stderr


def test_the_status_changes_nothing(tmp_path: Path) -> None:
    done, asked = run(tmp_path, "status")
    assert (done.returncode, asked) == (0, {"get"})
    assert "pods.validate.tiergate.io: failurePolicy Fail" in done.stdout
