"""Kubernetes releases whose rules differ: minor numbers of 1.x."""

from __future__ import annotations

from typing import Final

NEWEST: Final = 37
"""The newest release whose rules are known: assumed where nobody says which server it is."""

POD_LEVEL_COMPLETED_LATE: Final = 37
"""From here on pod-level resources are completed after the mutating pass, and more of them (D-5a, D-6a, D-7a)."""
EMPTY_POD_LEVEL_IGNORED: Final = 37
"""From here on an empty ``spec.resources`` does not decide the QoS class (D-17)."""
MAX_OF_SUMS: Final = 37
"""From here on quota takes the largest of three sums for a pod being resized (R-33), before a sum of maxima (R-32)."""
