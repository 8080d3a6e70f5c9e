"""What the release workflow makes of the chart before it packs it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import yaml

from tests.chart.helm import CHART

WORKFLOW: Final = CHART.parents[1] / ".github" / "workflows" / "release.yaml"
SOURCE: Final = "https://git.example/platform/tiergate"


def published(helm: str, folder: Path, registry: str) -> Path:
    """Return a copy of the chart after the workflow's own step on it."""
    steps = yaml.safe_load(WORKFLOW.read_text())["jobs"]["publish"]["steps"]
    (step,) = (one["run"] for one in steps if one.get("working-directory") == "charts/tiergate")
    chart = folder / "tiergate"
    shutil.copytree(CHART, chart)
    version = yaml.safe_load((chart / "Chart.yaml").read_text())["version"]
    names = {"SOURCE": SOURCE, "REGISTRY": registry, "IMAGE": f"{registry}/tiergate:{version}"}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step],
        cwd=chart,
        env={**os.environ, "PATH": f"{Path(helm).parent}:/usr/bin:/bin", **names},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return chart
