"""Manifests of public repositories, where somebody has them: a folder with ``index.json`` beside the files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

_NAMED: Final = os.environ.get("TIERGATE_CORPUS", "")
CORPUS: Final = Path(_NAMED) if _NAMED and Path(_NAMED).is_dir() else None
"""The folder, None where there is none."""


def expected_faults(corpus: Path) -> set[str]:
    """Return the files that a reader of YAML 1.1 cannot parse, as the index says."""
    index = json.loads((corpus / "index.json").read_text())
    return {str(corpus / one["file"]) for one in index if one["parse_error"]}
