"""What is made from the product, and by what: pages of docs/, and two files of the chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.docs import metrics, readme, sections, tier, values

PAGES: Final[Mapping[Path, Callable[[], str]]] = {
    values.PAGE: values.written,
    tier.PAGE: tier.written,
    metrics.PAGE: metrics.written,
    readme.FILE: readme.written,
    sections.FILE: sections.written,
}
