"""`make node`: our image on a real kubelet and containerd, installed by the chart. See `tests.node.steps`.

Needs Linux and root; what is missing is said. With --or-skip that is no failure. --brief leaves out the steps that
another test holds as well. KEEP=1 leaves out the uninstallation, and the node runs until Ctrl-C.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final

from tests.controlplane import binaries
from tests.controlplane.binaries import Binaries, ControlPlaneError
from tests.debian import NoPackageError
from tests.image.builders import BuildFailedError, NoBuilderError
from tests.image.standin import NoBaseError
from tests.node import images, namespaces, packages
from tests.node.inside import NO_NODE

SERVERS: Final = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "helm")
PACKAGES: Final = {"runc": "runc", "nft": "nftables"}
"""Debian's packages by program: what a node runs."""
BUILDERS: Final = {"buildah": "buildah", "mmdebstrap": "mmdebstrap"}
"""And what builds the image where nothing else does."""
TOOLS: Final = ("unshare", "mount", "ip", "sh")


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def why_not() -> str | None:
    """Return why there can be no node here, None if there can."""
    if not sys.platform.startswith("linux"):
        return f"a node runs on Linux only, this is {sys.platform}"
    if os.geteuid() != 0:
        return "a node needs root"
    if named := os.environ.get("KUBECONFIG") or os.environ.get("CLUSTER"):
        return f"another cluster is wanted ({named})"
    if tools := [name for name in TOOLS if shutil.which(name) is None]:
        return f"no {', '.join(tools)} in PATH"
    return packages.why_not(PACKAGES) or namespaces.why_not()


def _prepared() -> Binaries:
    """Find or make all programs; what is unpacked comes last in PATH."""
    programs = binaries.ensure(say, {*SERVERS, *(program.name for program in binaries.NODE)})
    os.environ["PATH"] += f":{packages.cache_folder() / 'programs'}"
    packages.ensure(say, PACKAGES)
    if images.builder() is None:
        packages.ensure(say, BUILDERS)
    return programs


def _run(options: Sequence[str]) -> int:
    begun = time.monotonic()
    programs = _prepared()
    with namespaces.folder() as folder:
        images.build(say, folder)
        (folder / "programs.json").write_text(json.dumps({name: str(path) for name, path in programs.paths.items()}))
        say(f"node: everything is built after {time.monotonic() - begun:.0f} s")
        return _ended(namespaces.enter(folder, (sys.executable, "-m", "tests.node.inside", str(folder), *options)))


def _ended(process: subprocess.Popen[str]) -> int:
    """Wait for the end; a signal to us is passed on by its group (Ctrl-C) or by ending everything."""
    try:
        return process.wait()
    finally:
        process.kill()
        process.wait()


def main(arguments: Sequence[str]) -> int:
    """Run the node; the exit code is 1 if a step does not hold, or without a node unless that is allowed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    without = 0 if "--or-skip" in arguments else 1
    if reason := why_not():
        say(f"node: skipped, {reason}" if without == 0 else f"node: {reason}")
        return without
    try:
        code = _run([option for option in arguments if option == "--brief"])
        if code == NO_NODE:
            say(f"node: {'skipped, ' if without == 0 else ''}no node became ready here, see above")
        return without if code == NO_NODE else code
    except (NoPackageError, NoBuilderError, NoBaseError) as error:
        say(f"node: {'skipped, ' if without == 0 else ''}{error}")
        return without
    except (ControlPlaneError, BuildFailedError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted; everything that was started has ended.")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
