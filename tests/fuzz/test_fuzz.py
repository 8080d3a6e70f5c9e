"""A short run of the fuzzer, and that it would see what it looks for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.engine import fuzz, run
from tests.fuzz.findings import Finding
from tests.fuzz.seeds import seeds
from tests.fuzz.target import Target
from tiergate.core import defaults, limitrange, rules
from tiergate.core.podspec import Pod
from tiergate.core.quantity import Quantity
from tiergate.core.rules import RULES
from tiergate.wire import strict

EXECUTIONS = 1000
CHECKS = list(
    dict.fromkeys((rule.pod, rule.claim, rule.usage) for rule in RULES if rule.pod or rule.claim or rule.usage)
)


@pytest.fixture
def target() -> Iterator[Target]:
    """The handlers under every policy."""
    made = Target()
    yield made
    made.close()


def seeds_hold(target: Target) -> bool:
    """Say whether every seed holds under every policy."""
    for seed in seeds():
        try:
            target.check_everywhere(seed)
        except Finding:
            return False
    return True


@pytest.mark.slow
def test_a_short_run_finds_nothing(tmp_path: Path, seed: int) -> None:
    """Some executions hold; a failing input is in the message by its finding."""
    result = fuzz(executions=EXECUTIONS, seed=seed, say=print, keep=tmp_path)
    assert result.findings == {}, f"python -m tests.fuzz --engine own --processes 1 --seed {seed}"
    assert result.executions == EXECUTIONS
    assert result.ways > len(seeds())


@pytest.mark.slow
def test_seeds_hold_under_every_policy(target: Target) -> None:
    """The unchanged reviews and documents are fine, so that whatever fails was found by a change."""
    assert seeds_hold(target)


@pytest.mark.slow
@pytest.mark.parametrize("index", range(len(CHECKS)))
def test_a_check_taken_out_is_found(target: Target, monkeypatch: pytest.MonkeyPatch, index: int) -> None:
    """The reference check knows every rule: without any one check of ours the seeds alone show it."""
    monkeypatch.setattr(
        rules, "RULES", tuple(rule for rule in RULES if (rule.pod, rule.claim, rule.usage) != CHECKS[index])
    )
    monkeypatch.setattr(rules, "checks", rules.checks.__wrapped__)  # without its memory
    assert not seeds_hold(target)


def test_a_crash_is_found(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception of ours is a finding, at the endpoint as in a decoder."""

    def broken(*_arguments: object) -> None:
        raise KeyError

    monkeypatch.setattr(limitrange, "container_min", broken)
    monkeypatch.setattr(defaults, "additions_to", broken)
    assert not seeds_hold(target)


def test_decoders_that_disagree_are_found(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow decoder that reads another amount than the fast one is a finding."""
    monkeypatch.setattr(strict, "_quantity_text", lambda _tree: "7")
    assert not seeds_hold(target)


def test_a_patch_that_leaves_something_to_add_is_found(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defaults that are not complete after one pass are a finding."""

    def half(pod: Pod, additions: tuple[defaults.Additions, ...]) -> object:
        return whole(pod, additions[1:] or additions)

    whole = defaults.patch
    monkeypatch.setattr(defaults, "patch", half)
    assert not seeds_hold(target)


def test_a_failing_input_is_kept(tmp_path: Path) -> None:
    """The file is the input, byte by byte, and named in the result."""

    def broken(_data: bytes) -> tuple[object, ...]:
        raise Finding("no")

    result = fuzz(executions=0, seed=0, say=print, keep=None)
    run(broken, b"\xff{}", result, tmp_path)
    (name,) = result.findings
    assert (tmp_path / name).read_bytes() == b"\xff{}"


def test_amounts_of_the_reference_are_not_ours() -> None:
    """The reference check shares no code with the webhook: its source names none of ours."""
    source = (Path(__file__).parent / "reference.py").read_text()
    assert "tiergate." not in source.replace("tiergate.io", "")
    assert Quantity.__name__ not in source
