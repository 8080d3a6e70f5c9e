"""The plugin for kubectl as krew installs it: an archive, and the manifest that names it."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any, Final

from tests.docs.values import ROOT

LAUNCHER: Final = Path(__file__).with_name("kubectl-tiergate")
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ARCHIVE: Final = f"tiergate-v{PROJECT['version']}.tar.gz"


def archive() -> bytes:
    """Return the archive: the launcher, the package, the packages it needs by their hashes, the license."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        (wheel,) = Path(folder).glob("*.whl")
        files = {
            LAUNCHER.name: LAUNCHER.read_bytes(),
            wheel.name: wheel.read_bytes(),
            "requirements.txt": (ROOT / "requirements/check.txt").read_bytes(),
            "LICENSE": (ROOT / "LICENSE").read_bytes(),
        }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)  # of no user and no time, so that the same files make the same archive
            member.size, member.mode = len(content), 0o755 if name == LAUNCHER.name else 0o644
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)


def manifest(packed: bytes, url: str) -> dict[str, Any]:
    """Return the manifest for krew's index; ``url`` is the folder that the archive is published in."""
    return {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "tiergate"},
        "spec": {
            "version": f"v{PROJECT['version']}",
            "shortDescription": "Check manifests against tiers, offline",
            "description": "Says of manifests what Tiergate's admission webhook would say of them: defaults, limits\n"
            "and quotas of the namespace, the whole change set counted. Needs no cluster.\n",
            "caveats": "Needs Python 3.11 or later. The first start installs its packages from the package index,\n"
            "by their hashes, into the user's cache folder.\n",
            "platforms": [
                {
                    "selector": {"matchExpressions": [{"key": "os", "operator": "In", "values": ["darwin", "linux"]}]},
                    "uri": f"{url.rstrip('/')}/{ARCHIVE}",
                    "sha256": hashlib.sha256(packed).hexdigest(),
                    "bin": LAUNCHER.name,
                }
            ],
        },
    }
