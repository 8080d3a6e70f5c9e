"""What a tier's defaults make of a pod is worked out once, however much is said of it."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from tests.check.running import KNOWN, Folder, pod
from tiergate.check import judging
from tiergate.core import defaults, prediction


def test_the_defaults_of_a_pod_are_worked_out_once(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Mock(wraps=defaults.with_defaults)
    monkeypatch.setattr(prediction, "with_defaults", counted)
    monkeypatch.setattr(judging, "with_defaults", counted)
    folder.write({"pod.yaml": pod(resources="{}")})
    assert folder.check(*KNOWN, "--show-defaults", "pod.yaml").code == 0
    assert counted.call_count == 1
