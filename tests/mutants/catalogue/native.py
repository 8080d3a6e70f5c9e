"""The steps of the prediction of Kubernetes' own LimitRanger."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import steps

STEPS: Final = steps(
    "tiergate.core.native",
    (
        "L-10",
        "present limits are replaced",
        "limits = {**item.default, **limits}",
        "limits = {**limits, **item.default}",
    ),
    (
        "L-10",
        "present requests are replaced",
        "requests = {**item.default_request, **requests}",
        "requests = {**requests, **item.default_request}",
    ),
    ("L-1 L-10", "derived defaults are not set", "items = [effective(item) for one", "items = [item for one"),
    ("L-10", "init containers get no defaults", "map(filled, pod.init_containers)", "pod.init_containers"),
    ("L-7", "equal defaults are ambiguous", "if len({quantity for _, quantity in found}) > 1", "if len(found) > 1"),
    ("L-7", "derived defaults are never ambiguous", "full = effective(item)\n", "full = item\n"),
    ("L-20", "container items are not judged", "        elif item.type == CONTAINER:\n", "        elif False:\n"),
    ("L-20", "pod items are not judged", "        elif item.type == POD:\n", "        elif False:\n"),
    ("L-20", "claim items are not judged", "            if item.type == CLAIM:\n", "            if False:\n"),
    (
        "L-20",
        "init containers are not judged",
        "for one in subject.every_container():",
        "for one in subject.containers:",
    ),
    (
        "L-30",
        "pod items judge the first container",
        "*limit_range_totals(subject)):",
        "subject.containers[0].requests, subject.containers[0].limits):",
    ),
    (
        "L-21",
        "a missing request passes min",
        '            yield f"{start}.  No request is specified"\n        elif asked < least:',
        "            pass\n        elif asked < least:",
    ),
    ("L-21", "a request under min passes", "        elif asked < least:\n", "        elif False:\n"),
    (
        "L-21",
        "a limit under min passes",
        "        elif limit is not None and limited < least:\n",
        "        elif False:\n",
    ),
    (
        "L-22",
        "a missing limit passes max",
        '            yield f"{start}.  No limit is specified"\n',
        "            pass\n",
    ),
    ("L-22", "a limit above max passes", "        elif limited > most:\n", "        elif False:\n"),
    (
        "L-22",
        "a request above max passes",
        "        elif request is not None and asked > most:\n",
        "        elif False:\n",
    ),
    ("L-23", "a request of 0 passes the ratio", "        if not asked:\n", "        if False:\n"),
    ("L-23", "a limit of 0 passes the ratio", "        elif not limited:\n", "        elif False:\n"),
    (
        "L-23",
        "the ratio is not compared",
        "        elif (shown := self._ratio(asked, limited, bound)) is not None:\n",
        "        elif False and (shown := self._ratio(asked, limited, bound)) is not None:\n",
    ),
    (
        "L-24",
        "a claim's request under min passes",
        "        yield from _at_storage(self._min(item.type, name, bound, requests, EMPTY))\n".replace(
            "        ", "            ", 1
        ),
        "            pass\n",
    ),
    (
        "L-24",
        "a claim's request above max passes",
        "            yield from _at_storage(self._max_request(item.type, name, bound, requests))\n",
        "            pass\n",
    ),
    (
        "L-24",
        "a claim's max asks for a limit",
        "self._max_request(item.type, name, bound, requests)",
        "self._max(item.type, name, bound, requests, EMPTY)",
    ),
    (
        "L-26",
        "one space follows the full stop",
        'yield f"{start}.  No limit is specified"',
        'yield f"{start}. No limit is specified"',
    ),
    (
        "L-40 L-41",
        "legacy comparison is exact",
        "self._amounts = _nanos if exact else _projections",
        "self._amounts = _nanos",
    ),
    (
        "L-40 L-41",
        "exact comparison is by projections",
        "self._amounts = _nanos if exact else _projections",
        "self._amounts = _projections",
    ),
    (
        "L-40 L-41",
        "legacy ratios are exact",
        "self._ratio = _exact_ratio if exact else _float_ratio",
        "self._ratio = _exact_ratio",
    ),
    (
        "L-40 L-41",
        "exact ratios are floats",
        "self._ratio = _exact_ratio if exact else _float_ratio",
        "self._ratio = _float_ratio",
    ),
    (
        "L-40 L-42",
        "large amounts are compared in milli-units",
        "project = milli_value if all(value(one) <= MAX_MILLI_VALUE for one in together) else value",
        "project = milli_value",
    ),
    (
        "L-40",
        "small amounts are compared in whole units",
        "project = milli_value if all(value(one) <= MAX_MILLI_VALUE for one in together) else value",
        "project = value",
    ),
    (
        "L-40",
        "a large ratio is compared in milli-units",
        "in_milli = value(bound) <= MAX_MILLI_VALUE",
        "in_milli = True",
    ),
    (
        "L-40",
        "a small ratio is compared in whole units",
        "in_milli = value(bound) <= MAX_MILLI_VALUE",
        "in_milli = False",
    ),
)
PROJECTIONS: Final = steps(
    "tiergate.core.projection",
    ("Q-21", "no projection is 0", "        if tens + digits not in _WRAPPING_STEPS:\n            return 0\n", ""),
    ("Q-21", "no projection wraps", "    return (amount + 2**63) % 2**64 - 2**63\n", "    return amount\n"),
    ("Q-21", "every overflow of the pair form is 0", "if tens + digits not in _WRAPPING_STEPS:", "if True:"),
    (
        "D-11 Q-21",
        "milli-units beyond 64 bits are whole",
        "return milli_value(quantity) % 1000 == 0",
        "return value(quantity) * NANO == quantity.nano",
    ),
    (
        "Q-21",
        "projections are rounded down",
        "amount = quantity.rounded_up(unit).nano // unit",
        "amount = quantity.nano // unit",
    ),
)
