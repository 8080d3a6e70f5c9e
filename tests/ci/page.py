"""The blocks of docs/ci.md: files, commands, and what they print."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tests.docs.values import ROOT

PAGE: Final = (ROOT / "docs/ci.md").read_text()
_BLOCK: Final = re.compile(r"^```(yaml)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS: Final = [text for _, text in _BLOCK.findall(PAGE)]
FILES: Final = {
    text.splitlines()[0].removeprefix("# "): text for language, text in _BLOCK.findall(PAGE) if language == "yaml"
}
"""Each file by the name in its first line."""
COMMANDS: Final = [text for text in BLOCKS if text.startswith("$ ")]
"""Commands with what they print: the red pull request, then the green one."""
RED: Final = "memory: 1Gi"
GREEN: Final = "memory: 512Mi"
MANIFEST: Final = "deploy/agent.yaml"


def write(folder: Path, *, green: bool) -> None:
    """Write the repository of the page, as it is before or after the correction."""
    (folder / "deploy").mkdir(exist_ok=True)
    (folder / "tiers.yaml").write_text(FILES["tiers.yaml"])
    assert FILES[MANIFEST].count(RED) == 1
    (folder / MANIFEST).write_text(FILES[MANIFEST].replace(RED, GREEN) if green else FILES[MANIFEST])
