"""The example of docs/adopt.md: what stands before it becomes what stands after it."""

from __future__ import annotations

import json
import re
from typing import Final

import yaml

from tests.docs.values import ROOT
from tiergate.adopt.planning import plan
from tiergate.adopt.values import TOPICS, NativeBounds
from tiergate.adopt.writing import written
from tiergate.wire.limitrange import read_limit_range
from tiergate.wire.quota import read_quota

PAGE: Final = (ROOT / "docs/adopt.md").read_text()


def test_the_objects_of_the_page_become_the_tier_of_the_page() -> None:
    before, after = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    raw = {one["metadata"]["name"]: json.dumps(one).encode() for one in yaml.safe_load_all(before)}
    ranges = (read_limit_range(raw["limits"]), read_limit_range(raw["wide"]))
    native = NativeBounds("shop-prod", ranges=ranges, quotas=(read_quota(raw["compute"]),))
    assert written(plan([native], mode="Warn"), "manifests") == after


def test_the_page_explains_every_part_of_the_report() -> None:
    for heading in TOPICS.values():
        assert any(
            line.startswith(f"| {heading.partition(', and')[0].partition(';')[0]}") for line in PAGE.splitlines()
        )
