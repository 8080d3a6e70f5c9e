"""``tiergate adopt``: Tiers from the LimitRanges and ResourceQuotas of a cluster."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from tiergate.cli import output_file
from tiergate.cli.exit_codes import Exit
from tiergate.cli.live import NoCluster, add_connection, run_live

if TYPE_CHECKING:
    from tiergate.adopt.writing import Written

DESCRIPTION: Final = "write tiers for a cluster that has LimitRanges and ResourceQuotas, and report what would change"
EXAMPLE: Final = """\
examples:
  tiergate adopt > tiers.yaml                                  # the report goes to standard error
  tiergate adopt --report report.txt --output-file tiers.yaml
  tiergate adopt -n agents-dev --name agents-dev=dev -o labels

Nothing is written to the cluster. See docs/adopt.md.
exit codes: 0 written, 1 there is nothing to adopt, 2 wrong usage, 4 no cluster
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments of the command."""
    from tiergate.core.mode import MODES  # noqa: PLC0415 - a command pays for its own libraries alone

    parser.epilog = EXAMPLE
    add = parser.add_argument
    add("-n", "--namespace", action="append", default=[], metavar="NAME", help="only these namespaces; repeatable")
    add("--enforcement", choices=MODES, default="Warn", help="mode of new tiers; default Warn")
    add(
        "--name",
        action="append",
        default=[],
        type=_naming,
        metavar="NAMESPACE=TIER",
        help="name of the tier of a namespace; repeatable",
    )
    add(
        "--release-namespace",
        default="tiergate-system",
        metavar="NAME",
        help="where Tiergate is installed; no tier may govern it; default tiergate-system",
    )
    add(
        "-o",
        "--output",
        choices=("manifests", "labels", "values"),
        default="manifests",
        help="Tiers and Namespaces with their label, kubectl label commands, or values of the chart; default manifests",
    )
    add("--output-file", metavar="FILE", help="file to write; standard output by default")
    add("--report", metavar="FILE", help="file of the report; standard error by default")
    add_connection(parser)


def _naming(text: str) -> tuple[str, str]:
    from tiergate.adopt.naming import is_name  # noqa: PLC0415 - --help needs no rules

    namespace, equals, tier = text.partition("=")
    if not equals or not is_name(namespace) or not is_name(tier):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAMESPACE=TIER")
    return namespace, tier


def _target(arguments: argparse.Namespace) -> Written:
    """Return what is written, and its file as a shell reads its name; "FILE" for standard output."""
    import shlex  # noqa: PLC0415 - as below

    from tiergate.adopt.writing import Written  # noqa: PLC0415 - --help needs no rules
    from tiergate.core.text import printable  # noqa: PLC0415 - as above

    file = arguments.output_file
    return Written(arguments.output) if file is None else Written(arguments.output, printable(shlex.quote(file)))


def run(arguments: argparse.Namespace) -> int:
    """Read, plan, judge, write; return the exit code."""
    from tiergate.adopt.naming import BadName  # noqa: PLC0415 - --help needs no client
    from tiergate.adopt.planning import plan  # noqa: PLC0415 - as above
    from tiergate.adopt.reading import read  # noqa: PLC0415 - as above
    from tiergate.adopt.report import render  # noqa: PLC0415 - as above
    from tiergate.adopt.standing import judged  # noqa: PLC0415 - as above
    from tiergate.adopt.writing import written  # noqa: PLC0415 - as above

    home = arguments.release_namespace
    try:
        found = run_live(arguments, lambda api: read(api, namespaces=arguments.namespace, release_namespace=home))
        made = plan(found.natives, mode=arguments.enforcement, wanted=dict(arguments.name), existing=found.tiers)
        standing = judged(made, found.standing, minor=found.minor)
        lines = render(made, found, standing, written=_target(arguments), home=home)
        report, text = "".join(f"{line}\n" for line in lines), written(made, arguments.output)
        if arguments.report is None:
            sys.stderr.write(report)
        else:
            output_file.write(arguments.report, report)
        if arguments.output_file is None:
            sys.stdout.write(text)
        elif made.tiers:
            output_file.write(arguments.output_file, text)
    except NoCluster as error:
        sys.stderr.write(f"tiergate adopt: {error}\n")
        return Exit.CLUSTER_UNAVAILABLE
    except (BadName, output_file.CannotWrite) as error:
        sys.stderr.write(f"tiergate adopt: {error}\n")
        return Exit.USAGE
    return Exit.OK if made.tiers else Exit.FAILED
