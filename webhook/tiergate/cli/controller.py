"""``tiergate controller``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiergate.controller.service import ControllerService
from tiergate.process.runner import run

if TYPE_CHECKING:
    import argparse


def control(arguments: argparse.Namespace) -> int:
    """Run the reconcile loops until stopped; the exit code is the server's."""
    return run(
        lambda: ControllerService(
            namespace=arguments.namespace,
            service=arguments.service,
            kubeconfig=arguments.kubeconfig,
            service_account_dir=arguments.service_account_dir,
        ),
        address=arguments.listen_address,
        port=arguments.port,
        usage_port=None,
        tls_dir=None,
        client_ca=None,
        log_level=arguments.log_level,
    )
