"""The pure decision (decode, default, check, encode) against `json.loads` of the same bytes.

No server, no caches, no sockets: what one review costs before anything is built around it. `python -m bench.decision`.
"""

from __future__ import annotations

import argparse
import json
import time
import timeit
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Final

import msgspec

from bench.objects import collections
from bench.review import NAMESPACE, SIZE, review
from tiergate.admission.request import read
from tiergate.admission.response import respond
from tiergate.core.decide import decide
from tiergate.core.facts import Facts, Server
from tiergate.core.release import NEWEST
from tiergate.core.workload_case import UNKNOWN
from tiergate.wire.quota import read_quota
from tiergate.wire.tier import read_tier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tiergate.core.quota import QuotaStatus
    from tiergate.core.request import Endpoint
    from tiergate.core.tier import Tier
    from tiergate.core.workload_case import Around

MOST: Final = 0.6
"""The most that a decision may cost, in CPU of `json.loads` of the same review."""
ROUNDS: Final = 41
CALLS: Final = 400
"""Calls of each contestant in a round: about 20 ms, so that both meet the same state of the machine."""


class Known(msgspec.Struct, frozen=True):
    """What a decision is a function of, besides the review."""

    tier: Tier
    quotas: tuple[QuotaStatus, ...]


class Sample(msgspec.Struct, frozen=True):
    """Seconds of CPU of one call, at one endpoint in one round."""

    endpoint: Endpoint
    decision: float
    parsing: float


def known() -> Known:
    """Return the tier and the quota of the namespace that the reviews are for, as the server's caches hold them."""
    objects = collections()
    tier = read_tier(_encode(objects["/apis/tiergate.io/v1alpha1/tiers"][0]))
    quotas = (read_quota(_encode(one)) for one in objects["/api/v1/resourcequotas"])
    return Known(tier, tuple(one for one in quotas if one.namespace == NAMESPACE))


def _encode(document: object) -> bytes:
    return json.dumps(document).encode()


def reviews() -> dict[Endpoint, bytes]:
    """Return what each endpoint is asked: the pod without its defaults, then with them."""
    return {"mutate": review(defaulted=False), "validate": review(defaulted=True)}


def decided(endpoint: Endpoint, body: bytes, facts: Known) -> bytes:
    """Return the answer to a review's bytes, as the server's handler puts it together."""
    request = read(endpoint, body)
    return respond(request, decide(request, gathered(facts, UNKNOWN)))


def gathered(known: Known, around: Around) -> Facts:
    """Return the facts as an endpoint of the server gathers them from caches that are in touch."""
    return Facts(
        server=Server(NEWEST, time.time()),
        release_namespace="tiergate-system",
        tier=known.tier,
        quotas=known.quotas,
        usage=None,
        permitted=frozenset(),
        members=(),
        trusted=True,
        fresh=frozenset(),
        unread=frozenset(),
        waited=False,
        around=around,
        scaled=None,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the comparison and print it."""
    options = _parser().parse_args(argv)
    print(
        f"{SIZE:,} byte review of a two-container pod, decode to encode, beside json.loads of the same bytes; "
        f"{options.rounds} interleaved rounds of {options.calls} calls, medians.",
        flush=True,
    )
    print(report(measured(options.rounds, options.calls)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.decision", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often each is measured (default {ROUNDS})")
    parser.add_argument("--calls", type=int, default=CALLS, help=f"calls in one measurement (default {CALLS})")
    return parser


def measured(rounds: int, calls: int) -> list[Sample]:
    """Return a sample of each endpoint in each round; one more round comes first and is not counted."""
    facts = known()
    asked = reviews()
    samples = [
        Sample(endpoint, _cpu(partial(decided, endpoint, body, facts), calls), _cpu(partial(json.loads, body), calls))
        for _ in range(rounds + 1)
        for endpoint, body in asked.items()
    ]
    return samples[len(asked) :]


def _cpu(call: Callable[[], object], calls: int) -> float:
    """Return the seconds of CPU of one call; the garbage collector waits, as it nearly always does in the server."""
    return timeit.timeit(call, timer=time.process_time, number=calls) / calls


def report(samples: Iterable[Sample]) -> str:
    """Return the medians and whether the target is reached; a ratio is taken inside a round, as the rounds differ."""
    by_endpoint: dict[str, list[Sample]] = {}
    for sample in samples:
        by_endpoint.setdefault(sample.endpoint, []).append(sample)
    ratios = {endpoint: median(one.decision / one.parsing for one in group) for endpoint, group in by_endpoint.items()}
    rows = [f"{'endpoint':<10}{'decision us':>12}{'json.loads us':>15}{'ratio':>8}"]
    rows += [
        f"{endpoint:<10}{_microseconds(one.decision for one in group):>12.1f}"
        f"{_microseconds(one.parsing for one in group):>15.1f}{ratios[endpoint]:>8.2f}"
        for endpoint, group in by_endpoint.items()
    ]
    rows += [f"/{endpoint}: {ratio:.2f} x json.loads, {_verdict(ratio)}" for endpoint, ratio in ratios.items()]
    return "\n".join(rows)


def _microseconds(seconds: Iterable[float]) -> float:
    return median(seconds) * 1e6


def _verdict(ratio: float) -> str:
    return f"the target is at most {MOST:g} x: {'reached' if ratio <= MOST else 'missed'}"


if __name__ == "__main__":
    raise SystemExit(main())
