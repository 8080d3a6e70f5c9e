"""``tiergate replay``: a recorded admission review, explained rule by rule."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from tiergate.cli.around import CLUSTER, WrongUsage, add_around, add_version, minor_of, surroundings_of
from tiergate.cli.exit_codes import Exit

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from tiergate.check.replaying import Replay

DESCRIPTION: Final = "explain a recorded admission review rule by rule, without a cluster"
EXAMPLE: Final = """\
examples:
  tiergate replay review.json --tiers tiers.yaml --tier dev --usage none
  tiergate replay review.json --usage cluster.yaml

exit codes: 0 allowed, 1 refused, 2 wrong usage, 3 unreadable input, or no tier is known
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments of the command."""
    parser.epilog = EXAMPLE
    parser.add_argument("review", metavar="REVIEW", help="an AdmissionReview as JSON: a file, or - for stdin")
    add_around(parser, namespace=False)
    parser.add_argument(
        "--usage", metavar="none|FILE", help="what runs already: nothing else, or as for tiergate check"
    )
    add_version(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the explanation and return the exit code."""
    from tiergate.check.escaping import log_line  # noqa: PLC0415 - --help needs no rules
    from tiergate.check.replaying import NoReview, replay  # noqa: PLC0415 - as above
    from tiergate.core.text import printable  # noqa: PLC0415 - as above
    from tiergate.manifests.files import UnreadableFile, read_bytes  # noqa: PLC0415 - as above
    from tiergate.manifests.load import Loaded  # noqa: PLC0415 - as above

    if arguments.usage == CLUSTER:
        msg = "--usage cluster: replay reads no cluster; tiergate snapshot > cluster.yaml writes a file for --usage"
        raise WrongUsage(msg)
    surroundings = surroundings_of(arguments, Loaded([], []))
    if surroundings.faults:
        sys.stderr.write("".join(log_line(f"unreadable  {one}") + "\n" for one in surroundings.faults))
        return Exit.UNREADABLE_INPUT
    try:
        found = list(replay(read_bytes(arguments.review), surroundings, minor=minor_of(arguments, surroundings)))
    except (NoReview, UnreadableFile) as error:
        sys.stderr.write(log_line(printable(f"unreadable  {arguments.review}: {error}")) + "\n")
        return Exit.UNREADABLE_INPUT
    for line in _head(found[0]):
        sys.stdout.write(log_line(printable(line)) + "\n")
    for one in found:
        for line in _lines(one):
            sys.stdout.write(log_line(printable(line)) + "\n")
    if any(one.unproved for one in found):
        return Exit.UNREADABLE_INPUT
    return Exit.OK if all(one.decision.allowed for one in found) else Exit.VIOLATIONS


def _head(replay: Replay) -> Iterator[str]:
    from tiergate.core.request import CLUSTER_WIDE  # noqa: PLC0415 - --help needs no rules

    request, decision = replay.request, replay.decision
    if not request.operation:
        yield "a request that cannot be read"
        return
    where = f" in {request.namespace}" if request.endpoint not in CLUSTER_WIDE else ""
    dry = ", dry-run" if request.dry_run else ""
    yield f"{request.operation} of {request.resource} {request.name or '(name to come)'}{where}, by {request.user}{dry}"
    if decision.tier:
        yield f"tier {decision.tier}, mode {decision.mode}"


def _lines(replay: Replay) -> Iterator[str]:
    decision = replay.decision
    yield f"/{replay.request.endpoint}: {replay.answer}"
    if replay.unproved:
        yield f"  {replay.unproved}"
    elif not decision.governed:
        yield "  no tier governs it"
    if decision.exempt:
        yield f"  exempt: {decision.exempt}"
    if replay.defaults:
        yield f"  {replay.defaults if decision.mode != 'Audit' else f'in mode Audit nothing is set: {replay.defaults}'}"
    width = max((len(one.rule) for one in replay.rules), default=0)
    for one in replay.rules:
        first, *rest = one.lines or ("",)
        yield f"  {one.state:<10}  {one.rule:<{width}}  {first}".rstrip()
        for line in rest:
            yield f"  {'':<10}  {'':<{width}}  {line}"
