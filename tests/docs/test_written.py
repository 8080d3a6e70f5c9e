"""The pages that `make docs` writes are current and complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import metrics, tier
from tests.docs.pages import PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_what_make_docs_writes(page: Path) -> None:
    assert page.read_text() == PAGES[page](), f"{page.name} is out of date: make docs"


def test_every_metric_has_a_sample_and_its_labels_are_explained() -> None:
    """A family without a sample would show no labels."""
    found = metrics.families()
    assert [family.name for family in found if not family.samples] == []
    assert {label for family in found for label in metrics.labels(family)} == metrics.LABELS.keys()


def test_every_field_that_people_write_is_described() -> None:
    found = tier.fields(tier.schema()["properties"]["spec"], "spec")
    bare = [field.path for field in found if "description" not in field.schema]
    assert bare == []
