"""`make gitops`: build what is missing, then run the tests in a network of their own, with a loopback device only.

Argo CD's application controller serves its metrics on all addresses, and no option changes that.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from tests.controlplane import binaries
from tests.gitops import argocd, flux
from tests.gitops.programs import source_of

WARNING: Final = "gitops: Argo CD's metrics will be readable on all addresses of this machine, because {}"
TOOLS: Final = ("unshare", "ip")
TESTS: Final = (sys.executable, "-m", "pytest", "-v", "-n", "0", "-m", "gitops", "tests/gitops")


def alone(command: Sequence[str]) -> tuple[str, ...]:
    """Return the command that runs this one in a network of its own."""
    as_root = () if os.geteuid() == 0 else ("--map-root-user",)  # which many machines refuse
    return ("unshare", *as_root, "--net", "sh", "-c", 'ip link set lo up && exec "$0" "$@"', *command)


def why_not_alone() -> str | None:
    """Return why there can be no network for these tests alone, None if there can."""
    if named := os.environ.get("KUBECONFIG") or os.environ.get("CLUSTER"):
        return f"the cluster is outside ({named})"
    if missing := [name for name in TOOLS if shutil.which(name) is None]:
        return f"there is no {', '.join(missing)} to give the tests a network of their own"
    tried = subprocess.run(alone(("true",)), capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f"a network of its own takes root ({tried.stderr.strip().splitlines()[-1]})"
    return None


def main() -> int:
    """Build everything, fetch what the tests read of other projects while there is a network, and become pytest."""
    reason = why_not_alone()
    if reason:
        print(WARNING.format(reason), flush=True)
    if code := binaries.main(binaries.GITOPS):
        return code
    for source in (argocd.SOURCE, *flux.SOURCES):
        source_of(*source)
    os.environ["TIERGATE_REQUIRE_CLUSTER"] = "1"
    command = TESTS if reason else alone(TESTS)
    return os.execvp(command[0], command)  # noqa: S606 - no shell is meant


if __name__ == "__main__":
    sys.exit(main())
