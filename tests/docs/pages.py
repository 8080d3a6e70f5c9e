"""The pages of docs/ that are made from the product, and what makes each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.docs import metrics, tier, values

PAGES: Final[Mapping[Path, Callable[[], str]]] = {
    values.PAGE: values.written,
    tier.PAGE: tier.written,
    metrics.PAGE: metrics.written,
}
