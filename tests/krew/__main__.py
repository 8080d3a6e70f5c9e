"""`python -m tests.krew URL`: build/krew with the archive and the manifest that says it is published at URL."""

from __future__ import annotations

import sys

import yaml

from tests import krew
from tests.docs.values import ROOT

FOLDER = ROOT / "build/krew"


def main() -> int:
    """Write both and say where."""
    if len(sys.argv) != 2 or not sys.argv[1].startswith("https://"):  # noqa: PLR2004, RUF100  # one argument
        sys.stderr.write("say where the archive will be: make krew URL=https://...\n")
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    packed = krew.archive()
    (FOLDER / krew.ARCHIVE).write_bytes(packed)
    text = yaml.safe_dump(krew.manifest(packed, sys.argv[1]), sort_keys=False)
    (FOLDER / "tiergate.yaml").write_text(text)
    sys.stdout.write(f"{FOLDER / krew.ARCHIVE}\n{FOLDER / 'tiergate.yaml'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
