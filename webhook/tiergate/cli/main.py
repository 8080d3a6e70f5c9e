"""``tiergate``: parse the command line, call one subcommand."""

from __future__ import annotations

import argparse
import importlib
import ipaddress
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tiergate.cli.exit_codes import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

LOG_LEVELS: Final = ("debug", "info", "warning", "error")
HIGHEST_PORT: Final = 65535
OWN_PACKAGES: Final = ("tiergate", "tiergate_certs")
SERVICES: Final = ("serve", "controller")
"""Commands that need the extra ``server``; a kubeconfig needs the extra ``live`` with every command."""
_ELECTION: Final = (
    ("--lease-duration", 15, "after the last renewal seen, when another replica takes the lead"),
    ("--renew-deadline", 10, "after its last renewal, when a leader stops working"),
    ("--retry-period", 2, "between two renewals"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; ``argv`` is without the program's name."""
    arguments = _parser().parse_args(argv)
    try:
        if getattr(arguments, "kubeconfig", None):
            importlib.import_module("tiergate.cluster.kubeconfig")  # what it needs is missed now, not in a worker
        return _dispatch(arguments)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in OWN_PACKAGES:
            raise
        sys.stderr.write(f"{_missing(arguments, package)}\n")
        return Exit.USAGE


def _missing(arguments: argparse.Namespace, package: str) -> str:
    """Return the line that says which extras a command needs whose package is missing."""
    extras = [
        *(["server"] if arguments.command in SERVICES else []),
        *(["live"] if arguments.command not in SERVICES or arguments.kubeconfig else []),
    ]
    return f"tiergate {arguments.command} needs the package {package}: pip install 'tiergate[{','.join(extras)}]'"


def _dispatch(arguments: argparse.Namespace) -> int:
    if arguments.command == "serve":
        from tiergate.cli.serve import serve  # noqa: PLC0415 - a command pays for its own libraries alone

        return serve(arguments)
    if arguments.command == "controller":
        from tiergate.cli.controller import control  # noqa: PLC0415 - as above

        return control(arguments)
    if arguments.command == "preflight":
        from tiergate.cli.preflight import preflight  # noqa: PLC0415 - as above

        return preflight(arguments)
    from tiergate.cli import lifecycle  # noqa: PLC0415 - as above

    commands = {"crds": lifecycle.run_crds, "uninstall": lifecycle.run_uninstall, "verify": lifecycle.run_verify}
    return commands[arguments.command](arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tiergate", description="Admission control for tiers of namespaces: defaults, limits and quotas."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_serve(commands.add_parser("serve", help="answer the API server's admission reviews"))
    _add_controller(commands.add_parser("controller", help="reconcile quotas, certificates and tier status"))
    _add_preflight(commands.add_parser("preflight", help="check the tiers of a release before it is installed"))
    _add_crds(commands.add_parser("crds", help="upgrade the definition of Tier to this release's, never downgrade it"))
    _add_uninstall(commands.add_parser("uninstall", help="leave governed namespaces usable, then remove the webhooks"))
    _add_verify(commands.add_parser("verify", help="prove by dry-run that tiers are enforced"))
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    _add_shared(parser)
    parser.add_argument("--port", type=_port, default=9443, help="TLS port of the endpoints that the API server calls")
    parser.add_argument("--usage-port", type=_port_or_none, default=9444, help="loopback port of the pages, 0: none")
    parser.add_argument("--tls-dir", type=Path, required=True, help="folder with tls.crt and tls.key")
    parser.add_argument("--client-ca", type=Path, help="CA bundle that must have signed the API server's certificate")
    parser.add_argument("--no-metrics-auth", action="store_true", help="let everybody read /metrics")


def _add_controller(parser: argparse.ArgumentParser) -> None:
    _add_shared(parser)
    parser.add_argument("--port", type=_port, default=9445, help="port of the probes")
    parser.add_argument("--service", default="tiergate-webhook", help="name of the webhook's Service")
    parser.add_argument("--identity", default=socket.gethostname(), help="name of this replica in the Lease")
    parser.add_argument(
        "--given-certificate", default="", metavar="SECRET", help="somebody else keeps this: publish its ca.crt only"
    )
    parser.add_argument("--no-handover", action="store_true", help="refuse while no replica of the webhook answers")
    parser.add_argument(
        "--handover-after", type=int, default=15, metavar="SECONDS", help="without an answer: Kubernetes' own engines"
    )
    parser.add_argument(
        "--handover-back-after", type=int, default=30, metavar="SECONDS", help="of answers until the webhook is asked"
    )
    for name, default, meaning in _ELECTION:
        parser.add_argument(name, type=int, default=default, metavar="SECONDS", help=meaning)


def _add_preflight(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tiers", type=Path, metavar="FILE", help="JSON of tiers by name, as in the chart's values")


def _add_crds(parser: argparse.ArgumentParser) -> None:
    _add_source(parser)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="YAML with CustomResourceDefinitions")


def _add_uninstall(parser: argparse.ArgumentParser) -> None:
    _add_source(parser)
    parser.add_argument("--namespace", required=True, help="our own namespace")


def _add_verify(parser: argparse.ArgumentParser) -> None:
    _add_source(parser)
    parser.add_argument(
        "--governed", action="append", default=[], metavar="NAMESPACE", help="to try pods in; repeatable"
    )
    parser.add_argument("--image", default="tiergate", help="image of the pods tried; never pulled")
    parser.add_argument("--patience", type=float, default=60, metavar="SECONDS", help="to go on trying what fails")


def _add_shared(parser: argparse.ArgumentParser) -> None:
    _add_source(parser)
    parser.add_argument("--listen-address", type=_address, default="127.0.0.1", help="IP address to listen on")
    parser.add_argument("--namespace", required=True, help="our own namespace")
    parser.add_argument("--log-level", choices=LOG_LEVELS, default="info")


def _add_source(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=False)
    source.add_argument(
        "--kubeconfig", help="kubeconfig file (needs the extra live); without it the service account of a pod"
    )
    source.add_argument(
        "--service-account-dir",
        default="/var/run/secrets/kubernetes.io/serviceaccount",
        help="folder with token and ca.crt",
    )


def _address(text: str) -> str:
    return str(ipaddress.ip_address(text))


def _port(text: str) -> int:
    number = int(text)
    if not 0 < number <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is no port")
    return number


def _port_or_none(text: str) -> int | None:
    return None if text == "0" else _port(text)
