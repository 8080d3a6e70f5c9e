"""What the demo begins with: a manifest that is too big for dev, refused without a cluster, then one that fits."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Final

from tests.controlplane.cluster import REPOSITORY

TIERS: Final = "charts/tiergate/values/environments.yaml"
MANIFEST: Final = "tests/cluster/manifests/agents-too-many.yaml"
CORRECTED: Final = "replicas: 8"
"""What the refusal says that would pass, so that the second run takes it at its word."""
_PROGRAM: Final = "import sys; from tiergate.cli.entry import main; sys.exit(main())"


def tell(show: Callable[[str], None]) -> None:
    """Run both checks and show them; raise AssertionError where one does not say what it should."""
    options = ["check", "--tiers", TIERS, "--usage", "none"]
    show(f"$ tiergate {' '.join(options)} {MANIFEST}")
    refused = _run([*options, MANIFEST])
    show(refused.stdout.rstrip("\n"))
    _expect(refused, 1, "over quota: dev", f"set {CORRECTED.replace(':', ' to')}")
    corrected = (REPOSITORY / MANIFEST).read_text().replace("replicas: 10", CORRECTED)
    show(f"$ sed 's/replicas: 10/{CORRECTED}/' {MANIFEST} | tiergate {' '.join(options)} -")
    fits = _run([*options, "-"], corrected)
    show(fits.stdout.rstrip("\n"))
    _expect(fits, 0, "1 object, 1 file: 1 pass, 0 fail")


def _run(arguments: list[str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _PROGRAM, *arguments]
    return subprocess.run(command, cwd=REPOSITORY, input=stdin, capture_output=True, text=True, check=False)


def _expect(ran: subprocess.CompletedProcess[str], code: int, *texts: str) -> None:
    missing = [text for text in texts if text not in ran.stdout]
    if ran.returncode != code or missing:
        msg = f"tiergate check ended with {ran.returncode} and without {missing}:\n{ran.stdout}{ran.stderr}"
        raise AssertionError(msg)
