"""What the values files for teams promise, on a real control plane."""
