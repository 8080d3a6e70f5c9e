"""Argo CD and Flux themselves, with the YAML of docs/gitops.md, on a real control plane: `make gitops`."""
