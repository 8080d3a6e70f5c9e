"""What a tier's defaults make of a pod is worked out once, however much is said of it."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from tests.check.running import KNOWN, Folder, pod
from tiergate.check import judging
from tiergate.core import defaults


def test_the_defaults_of_a_pod_are_worked_out_once(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Mock(wraps=defaults.additions_to)
    monkeypatch.setattr(defaults, "additions_to", counted)
    monkeypatch.setattr(judging, "additions_to", counted)
    folder.write({"pod.yaml": pod(resources="{}")})
    assert folder.check(*KNOWN, "--show-defaults", "pod.yaml").code == 0
    assert counted.call_count == 1
