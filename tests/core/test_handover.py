"""When Kubernetes' own engines stand in for the webhook: each step from what the cluster shows, and at which second."""

from __future__ import annotations

import msgspec
import pytest

from tiergate.core.handover import HandoverTiming, Seen, Step, next_step

TIMING = HandoverTiming(after=15, back_after=30)
DISABLED = msgspec.structs.replace(TIMING, enabled=False)
AWAY = Seen(unreachable=True, silent_for=15)
MARKED = Seen(marked=True)


@pytest.mark.parametrize(
    ("seen", "step"),
    [
        pytest.param(Seen(), "enforce", id="all-is-well"),
        pytest.param(Seen(answering_for=99, covered=True), "enforce", id="it-answers"),
        pytest.param(AWAY, "prepare", id="silent-for-long-enough"),
        pytest.param(Seen(unreachable=True, silent_for=14.9), "enforce", id="not-yet"),
        pytest.param(Seen(unreachable=False, silent_for=99), "enforce", id="only-we-do-not-reach-it"),
        pytest.param(Seen(unreachable=True, silent_for=15, covered=True), "set-ignore", id="limitranges-are-there"),
        pytest.param(Seen(unreachable=True, silent_for=15, by_hand=True), "enforce", id="opened-by-hand"),
        pytest.param(MARKED, "prepare", id="marked-and-not-open"),
        pytest.param(Seen(marked=True, covered=True), "set-ignore", id="marked-and-covered"),
        pytest.param(Seen(marked=True, opened=True), "keep", id="set-ignore"),
        pytest.param(Seen(marked=True, opened=True, covered=True), "keep", id="open-and-covered"),
        pytest.param(Seen(marked=True, answering_for=0.5), "keep", id="back-before-it-was-open"),
        pytest.param(Seen(marked=True, opened=True, answering_for=29.9), "keep", id="back-and-not-yet-trusted"),
        pytest.param(Seen(marked=True, opened=True, answering_for=30), "set-fail", id="back-for-long-enough"),
    ],
)
def test_a_step_follows_from_what_the_cluster_shows(seen: Seen, step: Step) -> None:
    assert next_step(seen, TIMING) == step


@pytest.mark.parametrize(
    ("seen", "step"), [(AWAY, "enforce"), (MARKED, "set-fail")], ids=["never-over", "back-at-once"]
)
def test_where_it_is_disabled_nothing_is_handed_over(seen: Seen, step: Step) -> None:
    assert next_step(seen, DISABLED) == step
