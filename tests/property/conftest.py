"""How many examples a property has: EXAMPLES of the environment, few without it; `make properties` takes many."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("tiergate", max_examples=int(os.environ.get("EXAMPLES", "40")), deadline=None)
settings.load_profile("tiergate")
