"""Helm, for the comparison with the chart."""

from tests.chart.conftest import helm

__all__ = ["helm"]
