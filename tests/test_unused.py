"""Nothing is kept for nobody."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
SET: Final = re.compile(r"self\.(_\w+)(?:: [^=\n]+)? = ")


def is_read(name: str, text: str) -> bool:
    return re.search(rf"\.{name}\b(?!(?:: [^=\n]+)? = )", text) is not None


@pytest.mark.parametrize("folder", ["webhook", "certs"])
def test_a_private_attribute_that_is_set_is_read(folder: str) -> None:
    """Those of a base class are read by what derives from it, in the same folder."""
    unread = []
    for path in (ROOT / folder).rglob("*.py"):
        text = path.read_text()
        family = text if "(ABC)" not in text else "".join(other.read_text() for other in path.parent.rglob("*.py"))
        unread += [f"{path.relative_to(ROOT)}: {one}" for one in set(SET.findall(text)) if not is_read(one, family)]
    assert unread == []
