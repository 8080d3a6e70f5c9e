"""What README and quick start show of refusals and warnings is what the product says of the same manifests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.docs.values import ROOT
from tiergate.cli.entry import main

README: Final = (ROOT / "README.md").read_text()
COMMANDS: Final = (ROOT / "docs" / "commands.md").read_text()
QUICK_START: Final = (ROOT / "docs" / "quick-start.md").read_text()
TWO_FAULTS: Final = yaml.safe_load((ROOT / "tests/cluster/manifests/two-faults.yaml").read_text())


def deployment(name: str, container: str, replicas: int, resources: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Return a Deployment of one container."""
    spec = {"containers": [{"name": container, "image": "registry.example/image:1.0", "resources": resources}]}
    template = {"metadata": {"labels": {"app": name}}, "spec": spec}
    inside = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": inside}


API: Final = deployment(
    "agent-api",
    "agent",
    10,
    {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}},
)
WIDE: Final = deployment("web", "nginx", 30, {})
LARGE: Final = deployment("web", "nginx", 3, {"limits": {"memory": "600Mi"}})


def tier(page: str) -> str:
    """Return the Tier that a page shows."""
    block = page.split("kind: Tier\n", 1)[1].split("```", 1)[0]
    return f"apiVersion: tiergate.io/v1alpha1\nkind: Tier\n{block}"


@pytest.mark.parametrize(
    ("page", "manifest", "count"),
    [
        pytest.param(README, API, 1, id="warning"),
        pytest.param(README, TWO_FAULTS, 2, id="refusal"),
        pytest.param(QUICK_START, WIDE, 1, id="too-many"),
        pytest.param(QUICK_START, LARGE, 1, id="never-runs"),
    ],
)
def test_a_page_shows_what_the_product_says(
    page: str, manifest: dict[str, Any], count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At least the first ``count`` sentences; pages leave out further ones."""
    tiers, path = tmp_path / "tiers.yaml", tmp_path / "manifest.yaml"
    tiers.write_text(tier(page).replace("enforcement: Warn", "enforcement: Enforce"))
    path.write_text(yaml.safe_dump(manifest))
    name = yaml.safe_load(tiers.read_text())["metadata"]["name"]
    main(["check", "--tiers", str(tiers), "--tier", name, "-n", name, "--usage", "none", str(path)])
    said = [line.strip() for line in capsys.readouterr().out.splitlines() if line.startswith(" " * 10)]
    sentences = [line for line in said if not line.startswith(str(tmp_path))][:count]
    assert len(sentences) == count
    assert [one for one in sentences if one not in page] == []


@pytest.mark.parametrize("command", ["explain", "defaults"])
def test_a_command_prints_what_its_example_shows(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the files that stand before it on the page."""
    (found,) = re.findall(rf"^## `tiergate {command}`\n(.*?)^## ", COMMANDS, re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    files = re.findall(r"^```yaml\n(.*?)^```", found, re.DOTALL | re.MULTILINE)
    for name, text in zip(("tiers.yaml", "pod.yaml"), files, strict=False):
        (tmp_path / name).write_text(text)
    words, shown = re.findall(r"^\$ tiergate (.*?)\n(.*?)^```", found, re.DOTALL | re.MULTILINE)[0]
    assert main(words.split()) == 0
    assert capsys.readouterr().out == shown
