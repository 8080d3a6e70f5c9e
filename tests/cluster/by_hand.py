"""What an operator does by hand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.chart.helm import CHART
from tests.controlplane.cluster import Cluster, Result

SCRIPT = CHART / "files" / "break-glass.sh"
OPERATE = CHART.parents[1] / "docs" / "operate.md"
MAIN = "import sys; from tiergate.cli.main import main; sys.exit(main())"


def break_glass(cluster: Cluster, *words: str) -> Result:
    """Run the script of the chart with the cluster's own kubectl."""
    return _sh(cluster, str(SCRIPT), *words)


def shown(cluster: Cluster, begins: str, **replaced: str) -> Result:
    """Run the block of docs/operate.md that begins so, with other words in some places."""
    (block,) = re.findall(rf"^```\n({re.escape(begins)}.*?)^```", OPERATE.read_text(), re.DOTALL | re.MULTILINE)
    for word, other in replaced.items():
        assert word in block
        block = block.replace(word, other)
    return _sh(cluster, "-euc", block)


def _sh(cluster: Cluster, *words: str) -> Result:
    path = f"{Path(cluster.programs['kubectl']).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", *words],
        env={**cluster.environment, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return Result(" ".join(words), done.returncode, done.stdout, done.stderr)


def certs(cluster: Cluster, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `tiergate certs`."""
    line = ["certs", *words, "--kubeconfig", str(cluster.kubeconfig)]
    return subprocess.run([sys.executable, "-c", MAIN, *line], capture_output=True, text=True, timeout=60, check=False)
