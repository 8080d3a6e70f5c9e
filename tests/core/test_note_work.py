"""What is said to be of a tier's defaults takes no time of the event loop, whoever wrote it (ADR 21)."""

from __future__ import annotations

from itertools import islice, product
from string import ascii_lowercase
from time import thread_time
from typing import Final

import msgspec
import pytest

from tests.builders import a_container, a_pod, an_item
from tests.core.work import MOST_CALLS, work_of
from tiergate.core.defaults import ANNOTATION_PREFIX
from tiergate.wire.types import MAX_TEXT

LARGE: Final = {"cpu": "900m", "memory": "64Mi"}
WORDS: Final = ["".join(one) for one in islice(product(ascii_lowercase, repeat=4), MAX_TEXT // 6)]
NOTES: Final = {
    "names": f"{', '.join(WORDS)[: MAX_TEXT - 99]} request for container agent",
    "parts": "; ".join([f"{word} limit for container agent" for word in WORDS])[: MAX_TEXT - 99],
    "nothing": "; " * (MAX_TEXT // 2 - 99),
}


@pytest.mark.slow
@pytest.mark.parametrize("note", NOTES.values(), ids=NOTES.keys())
def test_a_forged_note_takes_no_work(note: str) -> None:
    pod = a_pod(a_container(requests=LARGE, limits=LARGE))
    item = an_item(high={"cpu": "500m"})
    forged = msgspec.structs.replace(pod, defaults_annotation=f"{ANNOTATION_PREFIX}{note}")
    assert work_of(forged, item) < work_of(pod, item) + MOST_CALLS / 100


@pytest.mark.slow
def test_a_forged_note_takes_no_time_by_the_square_of_its_length() -> None:
    """It took 20 s and more."""
    note = f"{ANNOTATION_PREFIX}{' request for container ' * (MAX_TEXT // 24)}\n"
    pod = msgspec.structs.replace(a_pod(a_container(limits=LARGE)), defaults_annotation=note)
    before = thread_time()
    work_of(pod, an_item(high={"cpu": "500m"}))
    assert thread_time() - before < 1
