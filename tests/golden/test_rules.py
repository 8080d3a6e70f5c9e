from __future__ import annotations

import pytest
import yaml

from tests.chart.helm import Helm
from tests.controlplane.cluster import NAMESPACE
from tests.golden import rules

pytestmark = pytest.mark.helm


def test_the_copy_of_the_rules_is_what_the_chart_renders(helm: Helm) -> None:
    """Golden cases are asked for by this copy; `python -m tests.golden.capture` writes it anew."""
    rendered = rules.entries_of(helm.render(namespace=NAMESPACE).objects)
    assert yaml.safe_load(rules.FILE.read_text()) == rendered
