"""What an operator does by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.chart.helm import CHART
from tests.controlplane.cluster import Cluster, Result

SCRIPT = CHART / "files" / "break-glass.sh"
MAIN = "import sys; from tiergate.cli.main import main; sys.exit(main())"


def break_glass(cluster: Cluster, word: str) -> Result:
    """Run the script of the chart with the cluster's own kubectl."""
    path = f"{Path(cluster.programs['kubectl']).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", str(SCRIPT), word],
        env={**cluster.environment, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return Result(f"break-glass.sh {word}", done.returncode, done.stdout, done.stderr)


def certs(cluster: Cluster, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `tiergate certs`."""
    line = ["certs", *words, "--kubeconfig", str(cluster.kubeconfig)]
    return subprocess.run([sys.executable, "-c", MAIN, *line], capture_output=True, text=True, timeout=60, check=False)
