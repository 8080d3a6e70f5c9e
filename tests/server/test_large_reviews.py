"""Large reviews are read by another process: the same answer, and whatever happens to it fails one review only."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from tests.builders import RELEASE_NAMESPACE, a_pod_object
from tests.reviews import a_review
from tests.server.admission_fakes import FakePermissions, FakeState
from tiergate.admission.request import read
from tiergate.admission.review import BadReview
from tiergate.process.bodies import SMALL_BYTES
from tiergate.server import large_reviews
from tiergate.server import large_reviews_process as process
from tiergate.server.admission import LARGE, LIGHT, TWO_LIGHT, Admission
from tiergate.server.endpoints.reading import Deadline
from tiergate.server.large_reviews import CannotReadError, LargeReviews
from tiergate.server.turns import origin_of

Result = TypeVar("Result")

CONTAINERS = [{"name": f"c{n}", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}} for n in range(200)]
PODS = {
    "valid": a_review(a_pod_object(*CONTAINERS)),
    "NUL": a_review(a_pod_object({"name": "a", "args": ["<" * 3_000_000, "\0"]})),
    "too many": a_review(a_pod_object(*CONTAINERS, *CONTAINERS)),
    "bad quantities": a_review(
        a_pod_object({"name": "a", "resources": {"limits": {f"r{n}": "x" for n in range(450)}}})
    ),
}


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process start on a busy machine, too."""
    monkeypatch.setattr(large_reviews, "PATIENCE", 60.0)


SENDER = origin_of("1.1.1.1", PODS["valid"])


async def running(story: Coroutine[Any, Any, Result], reviews: LargeReviews) -> Result:
    try:
        return await story
    finally:
        reviews.stop()


def a_deadline(seconds: float = 60.0) -> Deadline:
    return Deadline(lambda: 0.0, seconds)


@pytest.mark.slow
@pytest.mark.parametrize("body", PODS.values(), ids=PODS.keys())
async def test_the_request_is_the_one_that_is_read_here(body: bytes) -> None:
    reviews = LargeReviews()
    assert await running(reviews.read("mutate", body, a_deadline(), SENDER), reviews) == read("mutate", body)


async def test_what_is_no_review_is_one_no_more() -> None:
    reviews = LargeReviews()
    body = a_review(a_pod_object(), resource={"resource": "deployments"})
    with pytest.raises(BadReview, match="does not judge CREATE of deployments") as refused:
        await running(reviews.read("mutate", body, a_deadline(), SENDER), reviews)
    assert refused.value.uid


async def test_a_process_that_dies_or_is_late_fails_its_review_and_the_next_one_is_read() -> None:
    reviews = LargeReviews()

    async def story() -> list[str]:
        found = []
        await reviews.read("mutate", PODS["valid"], a_deadline(), SENDER)
        for harm in ("killed", "late"):
            channel = reviews._channel
            assert channel is not None
            if harm == "killed":
                channel.process.kill()
                await asyncio.to_thread(channel.process.wait)
            with pytest.raises(CannotReadError) as failed:
                await reviews.read("mutate", PODS["NUL"], a_deadline(60 if harm == "killed" else 0.001), SENDER)
            found.append(str(failed.value))
            assert (await reviews.read("mutate", PODS["valid"], a_deadline(), SENDER)).name
        return found

    killed, late = await running(story(), reviews)
    assert "its process ended" in killed
    assert "not read in time" in late


@pytest.mark.parametrize(
    ("size", "nul", "at_once"),
    [
        pytest.param(LIGHT, "\0", True, id="light-and-strict"),
        pytest.param(TWO_LIGHT, "", True, id="two-light-objects"),
        pytest.param(TWO_LIGHT, "\0", False, id="two-light-objects-and-strict"),
        pytest.param(TWO_LIGHT + 1, "", False, id="more"),
        pytest.param(LARGE, "", False, id="large"),
    ],
)
async def test_what_costs_little_waits_for_nobody_s_turn(size: int, nul: str, *, at_once: bool) -> None:
    review = a_review(a_pod_object({"name": "a", "args": [nul, "PADDING"]}), namespace="free")
    body = review.replace(b"PADDING", b"x" * (size - len(review) + len("PADDING")))
    assert len(body) == size
    admission = Admission(FakeState(namespaces={}), FakePermissions(), release_namespace=RELEASE_NAMESPACE)
    async with admission._turns.turn(SENDER):
        answering = asyncio.create_task(admission.answer("validate", body))
        for _ in range(10):
            await asyncio.sleep(0)
        assert answering.done() is at_once
    if not at_once:
        answering.cancel()
    admission.stop()
    await asyncio.gather(answering, return_exceptions=True)


@pytest.mark.parametrize(
    ("bound", "value", "of_first"),
    [
        pytest.param("MAX_WAITING_OF_PEER", 6, [True] * 4 + [False], id="number"),  # the one that is read waits no more
        pytest.param("MAX_BYTES_OF_PEER", 6 * len(PODS["valid"]), [True] * 3 + [False] * 2, id="bytes"),
    ],
)
async def test_who_fills_the_line_fills_his_own(
    monkeypatch: pytest.MonkeyPatch, bound: str, value: int, of_first: list[bool]
) -> None:
    """One at a time is read, and of six places one namespace gets three, the next one two, and one is left."""
    assert len(PODS["valid"]) <= SMALL_BYTES
    monkeypatch.setattr(large_reviews, bound, value)
    reviews = LargeReviews()
    second, third = (SENDER._replace(namespace=name) for name in (b"second", b"third"))
    other_peer = origin_of("2.2.2.2", PODS["valid"])
    senders = [*[SENDER] * 5, *[second] * 3, *[third] * 2, other_peer]

    async def story() -> list[object]:
        asked = [reviews.read("mutate", PODS["valid"], a_deadline(), origin) for origin in senders]
        return await asyncio.gather(*asked, return_exceptions=True)

    read = [not isinstance(one, CannotReadError) for one in await running(story(), reviews)]
    assert read == [*of_first, True, True, False, True, False, True]
    assert not reviews._bytes


async def test_a_review_waits_for_less_time_than_others_wait_for_its_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long its client says that it waits."""
    monkeypatch.setattr(large_reviews, "PATIENCE", 0.001)
    reviews = LargeReviews()
    with pytest.raises(CannotReadError, match="not read in time"):
        await running(reviews.read("mutate", PODS["NUL"], a_deadline(), SENDER), reviews)


async def test_a_process_that_nobody_could_reach_in_time_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Watched(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - whatever it takes
            started.append(self)
            super().__init__(*args, **kwargs)

    async def never(**_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(large_reviews, "PATIENCE", 0.01)
    monkeypatch.setattr(subprocess, "Popen", Watched)
    monkeypatch.setattr(asyncio, "open_connection", never)
    reviews = LargeReviews()
    with pytest.raises(CannotReadError, match="not read in time"):
        await running(reviews.read("mutate", PODS["valid"], a_deadline(), SENDER), reviews)
    (child,) = started
    assert await asyncio.to_thread(child.wait, 20) == -signal.SIGKILL


async def test_the_process_stands_back_where_it_wants_the_core_of_the_event_loop() -> None:
    reviews = LargeReviews()

    async def story() -> int:
        await reviews.read("mutate", PODS["valid"], a_deadline(), SENDER)
        assert reviews._channel is not None
        return os.sched_getscheduler(reviews._channel.process.pid)

    assert await running(story(), reviews) == os.SCHED_IDLE  # nice alone lets it keep the core for up to 4 ms


async def test_an_idle_process_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_reviews, "IDLE", 0.0)
    reviews = LargeReviews()

    async def story() -> None:
        await reviews.read("mutate", PODS["valid"], a_deadline(), SENDER)
        for _ in range(3):
            await asyncio.sleep(0)
        assert reviews._channel is None
        assert (await reviews.read("mutate", PODS["valid"], a_deadline(), SENDER)).name

    await running(story(), reviews)


def test_the_process_answers_until_its_connection_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory(*_: object) -> None:
        raise MemoryError

    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=process.serve, args=(theirs,))
    thread.start()
    kinds: list[int] = []
    with ours, ours.makefile("rb") as answers:
        for body in (PODS["valid"], b"nonsense", PODS["valid"]):
            if kinds == [process.REQUEST, process.BAD_REVIEW]:
                monkeypatch.setattr(process, "read", out_of_memory)
            ours.sendall(process.REVIEW.pack(6, len(body)) + b"mutate" + body)
            kind, size = process.ANSWER.unpack(answers.read(process.ANSWER.size))
            kinds.append(kind)
            said = answers.read(size)
    thread.join(10)
    assert kinds == [process.REQUEST, process.BAD_REVIEW, process.FAILED]
    assert said == b"MemoryError"
    assert not thread.is_alive()
