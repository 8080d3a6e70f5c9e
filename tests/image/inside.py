"""Run the image's own program in its root file system, read-only, as a kubelet would have it run. Needs root.

A mount namespace stands in for a container runtime, so that no engine is needed: the root is bound read-only, /tmp and
/dev/shm are memory, the shells are hidden, and the process is nobody. The network is this machine's.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.image.archive import Image

USER: Final = "65532:65532"
DEVICES: Final = ("null", "zero", "random", "urandom")
SHELLS: Final = ("/bin/sh", "/bin/dash", "/bin/bash")
MOUNTS: Final = "/mnt"


def why_not() -> str | None:
    """Return why nothing can be run inside here, None if it can."""
    if os.geteuid() != 0:
        return "a mount namespace with another user in it needs root"
    missing = [name for name in ("unshare", "mount", "chroot") if shutil.which(name) is None]
    if missing:
        return f"no {', '.join(missing)} in PATH"
    done = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else done.stderr.strip()


@dataclass(frozen=True)
class Inside:
    """An unpacked image, and a folder of this machine that its programs see, read-only, at /mnt."""

    root: Path
    image: Image
    mounted: Path

    def command(self, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> list[str]:
        """Return a command that runs the entry point with arguments; it replaces itself, so its id stays."""
        values = {**self.image.environment, **(environment or {})}
        chroot = shutil.which("chroot") or "chroot"
        words = [
            *("env", "-i", *(f"{key}={value}" for key, value in values.items())),
            *(chroot, f"--userspec={USER}", "--groups=", str(self.root)),
            *self.image.settings["Entrypoint"],
            *arguments,
        ]
        script = "\n".join(["set -e", *self._mounts(), f"exec {shlex.join(words)}"])
        return ["unshare", "--mount", "--propagation=private", "sh", "-c", script]

    def run(self, *arguments: str, entrypoint: Sequence[str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run the entry point, or another program of the image, to its end."""
        inside = self
        if entrypoint is not None:
            settings = {**self.image.settings, "Entrypoint": list(entrypoint)}
            image = Image(self.image.digest, {**self.image.config, "config": settings}, self.image.layers)
            inside = Inside(self.root, image, self.mounted)
        return subprocess.run(inside.command(arguments), capture_output=True, text=True, timeout=60, check=False)

    def _mounts(self) -> tuple[str, ...]:
        """Return the commands that lay the namespace out; what is bound read-only is bound first, then made so."""
        root = self.root
        return (
            f"mount --bind {root} {root}",
            f"mount -t proc proc {root}/proc",
            f"mount -t tmpfs -o mode=1777 tmpfs {root}/tmp",  # noqa: S108 - of the namespace
            f"mount -t tmpfs -o mode=755 tmpfs {root}/dev",
            f"mkdir {root}/dev/shm",  # noqa: S108
            f"mount -t tmpfs -o mode=1777 tmpfs {root}/dev/shm",  # noqa: S108
            *(f"touch {root}/dev/{name}" for name in DEVICES),
            *(f"mount --bind /dev/{name} {root}/dev/{name}" for name in DEVICES),
            f"mount --bind {self.mounted} {root}{MOUNTS}",
            *(f"mount --bind /dev/null {root}{shell}" for shell in SHELLS),
            *(f"mount -o remount,bind,ro {root}{path}" for path in (MOUNTS, "/dev", "")),
        )
