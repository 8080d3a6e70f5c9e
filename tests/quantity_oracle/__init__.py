"""Quantities against k8s.io/apimachinery itself, called through a small Go program."""
