"""``tiergate check``: what the cluster would say of manifests, without a cluster."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from tiergate.cli import output_file
from tiergate.cli.around import add_around, add_version, minor_of, surroundings_of
from tiergate.cli.exit_codes import Exit
from tiergate.cli.live import add_connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from tiergate.check.result import Report

DESCRIPTION: Final = "what the cluster would say of manifests, without a cluster"
FORMATS: Final = ("text", "json", "sarif", "junit", "github", "gitlab", "markdown")
EXAMPLE: Final = """\
examples:
  helm template charts/app | tiergate check --tiers tiers.yaml --usage none -n dev -
  tiergate check --tiers charts/tiergate/values/environments.yaml --usage usage.yaml deploy/
  tiergate check --usage cluster --context dev-cluster deploy/
  kubectl get resourcequotas,deployments,statefulsets -A -o yaml > usage.yaml

exit codes: 0 fits, 1 would be refused, 2 wrong usage, 3 unreadable input, 4 no cluster
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments of the command."""
    parser.epilog = EXAMPLE
    add = parser.add_argument
    add("paths", nargs="+", metavar="PATH", help="manifests: a file, a folder with all files below it, or - for stdin")
    add_around(parser)
    add(
        "--usage",
        metavar="none|cluster|FILE",
        help="what runs already: nothing else, as in a cluster with its tiers and namespaces, or as in "
        "kubectl get resourcequotas -A -o yaml or a snapshot; without it unproved",
    )
    add_connection(parser)
    add_version(parser)
    add(
        "--rollout",
        choices=("peak", "steady"),
        default="peak",
        help="whether the peak of rollouts counts, or only their end",
    )
    add("--show-defaults", action="store_true", help="also print what the tiers would set")
    add("--ignore", action="append", default=[], metavar="GLOB", help="files to leave out; repeatable")
    add("--no-ignores", action="store_true", help="disregard annotations check.tiergate.io/ignore-RULE")
    add("--fail-on", choices=("error", "warning", "never"), default="error", help="which findings give exit code 1")
    add("--strict", action="store_true", help="exit with 1 also for what is unproved")
    add("-o", "--output", action=_Output, choices=FORMATS, help="format; repeatable, each with its --output-file")
    add("--output-file", action=_OutputFile, metavar="FILE", help="file of the -o before it")
    add("-q", "--quiet", action="store_true", help="print only findings and the last line")
    add("-v", "--verbose", action="store_true", help="also print what passes")


class _Output(argparse.Action):
    """Begins an output: ``[format, file]``."""

    def __call__(self, _parser: argparse.ArgumentParser, namespace: argparse.Namespace, value: Any, _=None) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001,ANN401
        namespace.output = [*(namespace.output or []), [value, ""]]


class _OutputFile(argparse.Action):
    """Says where the output that was named last goes."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, value: Any, _=None) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001,ANN401
        if not namespace.output or namespace.output[-1][1]:
            parser.error("--output-file follows the -o whose file it is")
        namespace.output[-1][1] = value


def run(arguments: argparse.Namespace) -> int:
    """Check, print and return the exit code."""
    try:
        report = _report(arguments)
        for name, file in arguments.output or [["text", ""]]:
            _write(report, name, file, arguments)
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except ModuleNotFoundError as error:
        if error.name != "yaml._yaml":
            raise
        sys.stderr.write("tiergate check needs PyYAML with libyaml, as its wheels on PyPI are built\n")
        return Exit.USAGE
    return exit_code(report, fail_on=arguments.fail_on, strict=arguments.strict)


def exit_code(report: Report, *, fail_on: str, strict: bool) -> int:
    """Return the worst of what a report says."""
    severities = {one.severity for one in report.findings}
    failed = "error" in severities if fail_on == "error" else bool(severities) and fail_on == "warning"
    unproved = strict and any(one.unproved for one in report.objects)
    if report.unread:
        return Exit.UNREADABLE_INPUT
    return Exit.VIOLATIONS if failed or unproved else Exit.OK


def _report(arguments: argparse.Namespace) -> Report:
    from tiergate.check.engine import Options, check  # noqa: PLC0415 - --help needs no rules
    from tiergate.cli.progress import Progress  # noqa: PLC0415 - as above
    from tiergate.manifests.load import load  # noqa: PLC0415 - as above

    progress = Progress(sys.stderr)
    loaded = load(arguments.paths, ignore=arguments.ignore, progress=progress.read)
    surroundings = surroundings_of(arguments, loaded)
    for one in surroundings.stored.missing:
        sys.stderr.write(f"not read from the cluster  {one}\n")
    options = Options(
        minor=minor_of(arguments, surroundings),
        rollouts=arguments.rollout == "peak",
        ignores=not arguments.no_ignores,
        defaults=arguments.show_defaults or any(name != "text" for name, _ in arguments.output or ()),
    )
    report = check(loaded, surroundings, options, progress=progress.judged)
    progress.end()
    return report


def _write(report: Report, name: str, file: str, arguments: argparse.Namespace) -> None:
    text = _rendered(report, name, arguments, to_file=bool(file))
    if not file:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    output_file.write(file, text)


def _rendered(report: Report, name: str, arguments: argparse.Namespace, *, to_file: bool) -> str:
    if name == "json":
        from tiergate.check import json_format  # noqa: PLC0415 - one format is asked for at a time

        return json_format.render(report)
    if name == "markdown":
        from tiergate.check import markdown  # noqa: PLC0415 - as above

        return markdown.render(report)
    if name != "text":
        from tiergate.check import ci_formats, rule_texts  # noqa: PLC0415 - as above

        render: Callable[[Report], str] = getattr(ci_formats, name)
        try:
            return render(report)
        except rule_texts.NoAddress as error:
            raise output_file.CannotWrite(str(error)) from None
    return _text(report, arguments, to_file=to_file)


def _text(report: Report, arguments: argparse.Namespace, *, to_file: bool) -> str:
    from tiergate.check import text  # noqa: PLC0415 - as above

    style = text.Style(
        colour=not to_file and sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
        unicode=to_file or "utf" in (sys.stdout.encoding or "").lower(),
        quiet=arguments.quiet,
        verbose=arguments.verbose,
        defaults=arguments.show_defaults,
    )
    return "".join(f"{line}\n" for line in text.render(report, style))
