"""The webhook and the chart on a real control plane."""
