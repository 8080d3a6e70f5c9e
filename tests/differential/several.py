"""Creates under several LimitRange objects: what `native` predicts, in any order that the server may take them in.

LimitRanger visits the objects of a namespace as its cache hands them out, and the mutating and the validating pass each
in an order of its own (L-7). So several outcomes may be right, and the native one must be among them. A Tier has
one set of items: there is no verdict of ours to compare with.
"""

from __future__ import annotations

from typing import Final

import msgspec

from tests.differential import ours, overheads, predicting
from tests.differential.case import Case, Result
from tests.differential.ours import Governed
from tests.differential.outcome import Outcome
from tests.differential.server import Server
from tests.differential.verdict import answered, disagreeing
from tiergate.core.podspec import Pod

ORDER: Final = "order-of-limit-ranges"


async def compared(server: Server, namespace: str, case: Case, governed: Governed) -> Result:
    """Create the case where its LimitRanges are in force, and compare with what we predict of it."""
    status, answer = await server.create(namespace, case.document)
    native = answered(status, answer, case.kind)
    try:
        sent = ours.ask("validate", msgspec.json.encode(case.document), case.kind).subject
    except ours.UnreadableObjectError as error:
        outcome = ours.unreadable(case.document, error)
        return Result(native, outcome, disagreeing(native, outcome))
    if isinstance(sent, Pod):
        sent = predicting.surrounded(sent, case.document)
    elif native.stage == "invalid":
        return Result(native, native)  # claims are not validated by us
    bare = msgspec.structs.replace(native, stored=None)

    def predicted() -> list[Outcome]:
        return [*predicting.possible(sent, governed.objects, quotas=governed.quotas, minor=server.minor)]

    def one_agrees(ends: list[Outcome]) -> bool:
        return any(not disagreeing(bare, one, causes=False) for one in ends)

    written, *others = predicted()
    disagreement = disagreeing(bare, written, causes=False)
    if not disagreement:
        return Result(native, written)
    if one_agrees(others):
        return Result(native, written, disagreement, (ORDER,))
    decimals = overheads.decimals(case.document, case.policy)
    beyond = predicting.beyond(sent, governed.objects, decimals, lambda: one_agrees(predicted()))
    return Result(native, written, disagreement, beyond)
