"""``tiergate``: parse the command line, call one subcommand."""

from __future__ import annotations

import argparse
import importlib
import ipaddress
import re
import socket
import sys
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tiergate.cli import commands
from tiergate.cli.exit_codes import Exit
from tiergate.cli.live import CONTEXT, KUBECONFIG, SERVICE_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Sequence

LOG_LEVELS: Final = ("debug", "info", "warning", "error")
HIGHEST_PORT: Final = 65535
SERVICES: Final = ("serve", "controller", "certs")
"""Commands that need the extra ``server``; a kubeconfig needs the extra ``live`` with every command."""
_DURATION: Final = re.compile(r"(?=[0-9])(?:([0-9]{1,7})h)?(?:([0-9]{1,7})m)?(?:([0-9]{1,7})s)?")
EXIT_CODES: Final = "Exit codes: 0 done, 1 not done or not proved, 2 wrong usage, 3 unreadable input, 4 no cluster."
_ELECTION: Final = (
    ("--lease-duration", 15, "after the last renewal seen, when another replica takes the lead"),
    ("--renew-deadline", 10, "after its last renewal, when a leader stops working"),
    ("--retry-period", 2, "between two renewals"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; ``argv`` is without the program's name."""
    arguments = parser().parse_args(argv)
    try:
        if getattr(arguments, "kubeconfig", None):
            importlib.import_module("tiergate.cluster.kubeconfig")  # what it needs is missed now, not in a worker
        return _dispatch(arguments)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in commands.OWN_PACKAGES:
            raise
        sys.stderr.write(f"{_missing(arguments, package)}\n")
        return Exit.USAGE


def _missing(arguments: argparse.Namespace, package: str) -> str:
    """Return the line that says which extras a command needs whose package is missing."""
    extras = [
        *(["server"] if arguments.command in SERVICES else []),
        *(["live"] if arguments.command not in SERVICES or package == "kubernetes" else []),
    ]
    return f"tiergate {arguments.command} needs the package {package}: pip install 'tiergate[{','.join(extras)}]'"


def _dispatch(arguments: argparse.Namespace) -> int:
    if arguments.command == "serve":
        from tiergate.cli.serve import serve  # noqa: PLC0415 - a command pays for its own libraries alone

        return serve(arguments)
    if arguments.command == "controller":
        from tiergate.cli.controller import control  # noqa: PLC0415 - as above

        return control(arguments)
    if arguments.command in commands.COMMANDS:
        return commands.called(arguments.command, arguments)
    if arguments.command == "preflight":
        from tiergate.cli.preflight import preflight  # noqa: PLC0415 - as above

        return preflight(arguments)
    if arguments.command == "certs":
        from tiergate.cli.certs import run_certs  # noqa: PLC0415 - as above

        return run_certs(arguments)
    from tiergate.cli import lifecycle  # noqa: PLC0415 - as above

    run = {"crds": lifecycle.run_crds, "uninstall": lifecycle.run_uninstall, "verify": lifecycle.run_verify}
    return run[arguments.command](arguments)


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    made = argparse.ArgumentParser(
        prog="tiergate",
        description="Admission control for tiers of namespaces: defaults, limits and quotas.",
        epilog=EXIT_CODES,
    )
    made.add_argument("--version", action="version", version=f"%(prog)s {metadata.version('tiergate')}")
    added = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_serve(added.add_parser("serve", help="answer the API server's admission reviews"))
    _add_controller(added.add_parser("controller", help="reconcile quotas, certificates and tier status"))
    for name in commands.COMMANDS:
        commands.describe(added.add_parser(name, help=commands.module(name).DESCRIPTION), name)
    _add_preflight(added.add_parser("preflight", help="check the tiers of a release before it is installed"))
    _add_crds(added.add_parser("crds", help="upgrade the definition of Tier to this release's, never downgrade it"))
    _add_uninstall(added.add_parser("uninstall", help="leave governed namespaces usable, then remove the webhooks"))
    _add_verify(added.add_parser("verify", help="prove by dry-run that tiers are enforced"))
    _add_certs(added.add_parser("certs", help="show or renew the webhook's certificate"))
    return made


def _add_certs(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    status = verbs.add_parser(
        "status", help="who keeps it, until when it is valid, who trusts it; exit code 1 if something is wrong"
    )
    rotate = verbs.add_parser("rotate", help="have the controller issue another certificate now, without a failed call")
    for verb in (status, rotate):
        _add_cluster(verb)
        verb.add_argument("--namespace", "-n", default="tiergate-system", help="namespace of the release")
        verb.add_argument(
            "--secret", help="with the certificate; without it the one that the webhook's Deployment mounts"
        )
    more = rotate.add_mutually_exclusive_group()
    more.add_argument("--ca", dest="what", action="store_const", const="ca", help="also issue another CA")
    more.add_argument(
        "--distrust",
        dest="what",
        action="store_const",
        const="distrust",
        help="issue another CA and stop trusting the present one, whose key has leaked; calls fail for some seconds",
    )
    rotate.set_defaults(what="certificate")


def _add_serve(parser: argparse.ArgumentParser) -> None:
    _add_shared(parser)
    parser.add_argument("--port", type=_port, default=9443, help="TLS port of the endpoints that the API server calls")
    parser.add_argument("--usage-port", type=_port_or_none, default=9444, help="loopback port of the pages, 0: none")
    parser.add_argument("--tls-dir", type=Path, required=True, help="folder with tls.crt and tls.key")
    _add_settle(parser)
    parser.add_argument("--client-ca", type=Path, help="CA bundle that must have signed the API server's certificate")
    parser.add_argument(
        "--client-name",
        action="append",
        default=[],
        metavar="NAME",
        help="common name or DNS name that the certificate must have; repeatable, any name by default",
    )
    parser.add_argument("--no-metrics-auth", action="store_true", help="let everybody read /metrics")
    parser.add_argument(
        "--no-usage-index",
        action="store_true",
        help="never list pods and claims: quotas of tiers in mode Warn and Audit are not checked",
    )
    parser.add_argument("--no-events", action="store_true", help="write no Events on workloads")


def _add_controller(parser: argparse.ArgumentParser) -> None:
    _add_shared(parser)
    parser.add_argument("--port", type=_port, default=9445, help="port of the probes")
    parser.add_argument("--service", default="tiergate-webhook", help="name of the webhook's Service")
    parser.add_argument("--identity", default=socket.gethostname(), help="name of this replica in the Lease")
    parser.add_argument(
        "--external-certificate",
        default="",
        metavar="SECRET",
        help="another owner keeps this Secret: only publish its ca.crt",
    )
    parser.add_argument("--ca-duration", type=_duration, default="87600h", help="lifetime of our CA, such as 87600h")
    parser.add_argument("--certificate-duration", type=_duration, default="2160h", help="lifetime of a certificate")
    _add_settle(parser)
    parser.add_argument(
        "--ca-injected", action="store_true", help="cert-manager's cainjector writes the caBundle: never patch it"
    )
    parser.add_argument("--no-handover", action="store_true", help="never hand over to Kubernetes' own engines")
    parser.add_argument(
        "--handover-after", type=int, default=15, metavar="SECONDS", help="without an answer before handing over"
    )
    parser.add_argument(
        "--handover-back-after", type=int, default=30, metavar="SECONDS", help="of answers before taking over again"
    )
    for name, default, meaning in _ELECTION:
        parser.add_argument(name, type=int, default=default, metavar="SECONDS", help=meaning)


def _add_settle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--settle",
        type=_duration,
        default="60s",
        help="how long a CA is published before a certificate of it is served",
    )


def _add_preflight(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "values", type=Path, metavar="FILE", help="a values file of the chart, whose `tiers` are checked"
    )


def _add_crds(parser: argparse.ArgumentParser) -> None:
    _add_source(parser, default=None)
    parser.set_defaults(context=None, as_kubectl=False)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="YAML with CustomResourceDefinitions")


def _add_uninstall(parser: argparse.ArgumentParser) -> None:
    _add_source(parser, default=None)
    parser.set_defaults(context=None, as_kubectl=False)
    parser.add_argument("--namespace", required=True, help="namespace of the release")
    parser.add_argument(
        "--helm-release", default="", metavar="NAME", help="do nothing unless Helm is uninstalling this release"
    )
    parser.add_argument("--helm-revision", type=int, default=1, metavar="N", help="revision the hook was rendered for")


def _add_verify(parser: argparse.ArgumentParser) -> None:
    _add_cluster(parser)
    parser.add_argument(
        "--governed",
        action="append",
        default=[],
        metavar="NAMESPACE",
        help="governed namespace to try pods in; repeatable",
    )
    parser.add_argument("--image", default="tiergate", help="image of the tried pods; never pulled")
    parser.add_argument("--patience", type=float, default=60, metavar="SECONDS", help="to keep trying what fails")


def _add_shared(parser: argparse.ArgumentParser) -> None:
    _add_source(parser)
    parser.add_argument("--listen-address", type=_address, default="127.0.0.1", help="IP address to listen on")
    parser.add_argument("--namespace", required=True, help="namespace of the release")
    parser.add_argument("--log-level", choices=LOG_LEVELS, default="info")


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    """Describe which cluster a command is about that people run, on their machine or in a pod."""
    _add_source(parser, default=None, kubeconfig=KUBECONFIG)
    parser.add_argument("--context", metavar="NAME", help=CONTEXT)
    parser.set_defaults(as_kubectl=True)


def _add_source(
    parser: argparse.ArgumentParser,
    *,
    default: str | None = SERVICE_ACCOUNT,
    kubeconfig: str = "kubeconfig file (needs the extra live); without it the service account of a pod",
) -> None:
    source = parser.add_mutually_exclusive_group(required=False)
    source.add_argument("--kubeconfig", metavar="FILE", help=kubeconfig)
    source.add_argument("--service-account-dir", metavar="DIR", default=default, help="folder with token and ca.crt")


def _address(text: str) -> str:
    return str(ipaddress.ip_address(text))


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text} is not a duration such as 2160h, 1h30m or 90s (at most 7 digits each)"
        )
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _port(text: str) -> int:
    number = int(text)
    if not 0 < number <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is not a port")
    return number


def _port_or_none(text: str) -> int | None:
    return None if text == "0" else _port(text)
