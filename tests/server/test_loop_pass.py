"""However many reviews of one address arrive at the same moment, those of others do not wait for all of them."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.builders import RELEASE_NAMESPACE, a_pod_object, a_tier, a_workload_object
from tests.reviews import a_review
from tests.server.admission_fakes import FakePermissions, FakeState
from tiergate.core.request import Endpoint
from tiergate.server.admission import LIGHT, TIMEOUT, Admission, AdmissionFailed
from tiergate.server.endpoints.reading import OutOfTimeError
from tiergate.server.loop_pass import SECONDS, LoopPass
from tiergate.server.turns import origin_of

FLOOD = 200
REVIEWS: dict[str, tuple[Endpoint, bytes]] = {
    "pods": ("validate", a_review(a_pod_object())),
    "large-pods": ("validate", a_review(a_pod_object(*({"name": f"c{number}"} for number in range(100))))),
    "workloads": ("workloads", a_review(a_workload_object())),
}


class SlowClock:
    """Each look at it takes a millisecond, so that each review holds the loop for one."""

    def __init__(self, step: float = 0.001) -> None:
        self.looks = 0
        self._step = step

    def __call__(self) -> float:
        self.looks += 1
        return self.looks * self._step


@pytest.mark.parametrize(("endpoint", "body"), REVIEWS.values(), ids=REVIEWS)
async def test_a_review_of_another_address_is_answered_before_a_flood(endpoint: Endpoint, body: bytes) -> None:
    assert len(body) <= LIGHT
    admission = Admission(
        FakeState(tiers={"dev": a_tier()}),
        FakePermissions(),
        release_namespace=RELEASE_NAMESPACE,
        loop_pass=LoopPass(SlowClock(), SlowClock()),
    )
    order: list[str] = []

    async def ask(peer: str) -> None:
        answer = await admission.answer(endpoint, body, peer=peer)
        assert json.loads(answer.body)["response"]["allowed"]
        order.append(peer)

    async def probe() -> None:
        order.append("probe")

    flood = [asyncio.create_task(ask("192.0.2.1")) for _ in range(FLOOD)]
    others = [asyncio.create_task(ask("192.0.2.2")), asyncio.create_task(probe())]
    await asyncio.gather(*flood, *others)
    at_once = SECONDS / 0.001 + 1
    assert order.index("probe") <= at_once
    assert order.index("192.0.2.2") <= at_once + 2
    assert order.count("192.0.2.1") == FLOOD


async def test_a_review_whose_turn_comes_too_late_is_not_judged_any_more() -> None:
    endpoint, body = REVIEWS["large-pods"]
    body = body.replace(b'"name": "c0"', b'"name": "c0", "args": ["%s"]' % (b"x" * 2 * LIGHT))
    state = FakeState(tiers={"dev": a_tier()})
    admission = Admission(state, FakePermissions(), release_namespace=RELEASE_NAMESPACE, clock=state.clock)
    async with admission._turns.turn(origin_of("192.0.2.1", body)):
        late = asyncio.create_task(admission.answer(endpoint, body, peer="192.0.2.2"))
        await asyncio.sleep(0)
        state.now += TIMEOUT
    with pytest.raises(AdmissionFailed) as failed:
        await late
    assert isinstance(failed.value.__cause__, OutOfTimeError)


async def test_what_a_quiet_moment_brings_is_answered_at_once() -> None:
    """Without a flood no review waits for a turn, however many passes there have been."""
    endpoint, body = REVIEWS["pods"]
    admission = Admission(
        FakeState(tiers={"dev": a_tier()}),
        FakePermissions(),
        release_namespace=RELEASE_NAMESPACE,
        loop_pass=LoopPass(SlowClock(), SlowClock()),
    )
    for _ in range(10):
        answering = admission.answer(endpoint, body, peer="192.0.2.2")
        with pytest.raises(StopIteration):
            answering.send(None)
        await asyncio.sleep(0)


@pytest.mark.parametrize(("endpoint", "body"), REVIEWS.values(), ids=REVIEWS)
async def test_ordinary_reviews_hardly_look_at_the_clock_of_the_cpu(endpoint: Endpoint, body: bytes) -> None:
    """It is a system call, which costs as much as a rule."""
    clock, cpu = SlowClock(step=0.00001), SlowClock()
    admission = Admission(
        FakeState(tiers={"dev": a_tier()}),
        FakePermissions(),
        release_namespace=RELEASE_NAMESPACE,
        loop_pass=LoopPass(clock, cpu),
    )
    for _ in range(20):
        answer = await admission.answer(endpoint, body)
        assert answer.record.held == pytest.approx(0.00002)  # to judge and to answer
    assert (clock.looks, cpu.looks) == (80, 1)


@pytest.mark.parametrize(
    ("before", "cpu", "counted"),
    [
        pytest.param(0.0, 0.003, 0.003, id="the-machine-did-something-else"),
        pytest.param(0.0, 0.5, 0.5, id="a-slow-review"),
        pytest.param(0.0008, 0.003, 0.0038, id="what-others-took-since-the-latest-look"),
    ],
)
async def test_no_review_is_to_blame_for_what_else_the_machine_does(before: float, cpu: float, counted: float) -> None:
    now, worked = [0.0], [0.0]
    loop_pass = LoopPass(lambda: now[0], lambda: worked[0])
    with loop_pass:
        pass
    now[0], worked[0] = before, before
    with loop_pass:
        now[0], worked[0] = before + 0.5, before + cpu
    assert loop_pass.latest == pytest.approx(counted)
