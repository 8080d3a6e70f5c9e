"""``tiergate controller``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tiergate.cli.exit_codes import Exit
from tiergate.cluster.lease import LeaseTiming
from tiergate.controller.options import ControllerOptions
from tiergate.controller.service import ControllerService
from tiergate.core.handover import HandoverTiming
from tiergate.process.runner import run
from tiergate_certs.plan import Policy

if TYPE_CHECKING:
    import argparse


def control(arguments: argparse.Namespace) -> int:
    """Run the reconcile loops until stopped; the exit code is the server's."""
    try:
        options = _options(arguments)
    except ValueError as error:
        sys.stderr.write(f"tiergate controller: {error}\n")
        return Exit.USAGE
    return run(
        lambda: ControllerService(options),
        address=arguments.listen_address,
        port=arguments.port,
        usage_port=None,
        tls=None,
        log_level=arguments.log_level,
    )


def _options(arguments: argparse.Namespace) -> ControllerOptions:
    """Return what the arguments say; raise ValueError for times that contradict each other."""
    return ControllerOptions(
        kubeconfig=arguments.kubeconfig,
        service_account_dir=arguments.service_account_dir,
        namespace=arguments.namespace,
        service=arguments.service,
        host=arguments.identity,
        policy=Policy(
            authority_lifetime=arguments.ca_duration,
            leaf_lifetime=arguments.certificate_duration,
            settle=arguments.settle,
        ),
        lease=LeaseTiming(
            lease_duration=arguments.lease_duration,
            renew_deadline=arguments.renew_deadline,
            retry_period=arguments.retry_period,
        ),
        external_secret=arguments.external_certificate,
        ca_injected=arguments.ca_injected,
        handover=HandoverTiming(
            after=arguments.handover_after,
            back_after=arguments.handover_back_after,
            enabled=not arguments.no_handover,
        ),
    )
