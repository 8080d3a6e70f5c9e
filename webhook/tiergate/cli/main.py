"""``tiergate``: parse the command line, call one subcommand."""

from __future__ import annotations

import argparse
import ipaddress
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tiergate.cli.exit_codes import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

LOG_LEVELS: Final = ("debug", "info", "warning", "error")
HIGHEST_PORT: Final = 65535
OWN_PACKAGES: Final = ("tiergate", "tiergate_certs")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; ``argv`` is without the program's name."""
    arguments = _parser().parse_args(argv)
    try:
        return _dispatch(arguments)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in OWN_PACKAGES:
            raise
        sys.stderr.write(
            f"tiergate {arguments.command} needs the package {error.name}: pip install 'tiergate[server]'\n"
        )
        return Exit.USAGE


def _dispatch(arguments: argparse.Namespace) -> int:
    if arguments.command == "serve":
        from tiergate.cli.serve import serve  # noqa: PLC0415 - a command pays for its own libraries alone

        return serve(arguments)
    from tiergate.cli.controller import control  # noqa: PLC0415 - as above

    return control(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tiergate", description="The admission gate for tiers of namespaces: defaults, limits and quotas."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_serve(commands.add_parser("serve", help="answer the API server's admission reviews"))
    _add_controller(commands.add_parser("controller", help="keep quotas, certificates and tier status in order"))
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    _add_shared(parser)
    parser.add_argument("--port", type=_port, default=9443, help="TLS port of the API server's door")
    parser.add_argument("--usage-port", type=_port_or_none, default=9444, help="loopback port of the pages, 0: none")
    parser.add_argument("--tls-dir", type=Path, required=True, help="folder with tls.crt and tls.key")
    parser.add_argument("--client-ca", type=Path, help="CA bundle that must have signed the API server's certificate")
    parser.add_argument("--no-metrics-auth", action="store_true", help="let everybody read /metrics")


def _add_controller(parser: argparse.ArgumentParser) -> None:
    _add_shared(parser)
    parser.add_argument("--port", type=_port, default=9445, help="port of the probes")
    parser.add_argument("--service", default="tiergate-webhook", help="name of the webhook's Service")


def _add_shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--listen-address", type=_address, default="127.0.0.1", help="IP address to listen on")
    parser.add_argument("--namespace", required=True, help="our own namespace")
    source = parser.add_mutually_exclusive_group(required=False)
    source.add_argument("--kubeconfig", help="kubeconfig file; without it we are a pod")
    source.add_argument(
        "--service-account-dir",
        default="/var/run/secrets/kubernetes.io/serviceaccount",
        help="folder with token and ca.crt",
    )
    parser.add_argument("--log-level", choices=LOG_LEVELS, default="info")


def _address(text: str) -> str:
    return str(ipaddress.ip_address(text))


def _port(text: str) -> int:
    number = int(text)
    if not 0 < number <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is no port")
    return number


def _port_or_none(text: str) -> int | None:
    return None if text == "0" else _port(text)
