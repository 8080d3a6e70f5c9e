"""The folder that ``tiergate check`` runs in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.check.running import NAMESPACE, TIERS, Folder


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A folder with nothing but a tier and its namespace, in ``around``."""
    monkeypatch.chdir(tmp_path)
    made = Folder(tmp_path, capsys)
    made.write({"around/tiers.yaml": TIERS, "around/namespaces.yaml": NAMESPACE})
    return made
