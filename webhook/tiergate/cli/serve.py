"""``tiergate serve``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiergate.metrics.prometheus import PrometheusRecorder
from tiergate.process.runner import run
from tiergate.process.tls import Files, Tls
from tiergate.server.service import ServerOptions, ServerService
from tiergate.server.trust import PublishedTrust

if TYPE_CHECKING:
    import argparse


def serve(arguments: argparse.Namespace) -> int:
    """Serve admission reviews until stopped; the exit code is the server's."""
    recorder = PrometheusRecorder()
    trust = PublishedTrust(settle=arguments.settle.total_seconds())
    options = ServerOptions(
        namespace=arguments.namespace,
        kubeconfig=arguments.kubeconfig,
        service_account_dir=arguments.service_account_dir,
        metrics_auth=not arguments.no_metrics_auth,
        usage_index=not arguments.no_usage_index,
        events=not arguments.no_events,
    )
    return run(
        lambda: ServerService(options, recorder, trust),
        address=arguments.listen_address,
        port=arguments.port,
        usage_port=arguments.usage_port,
        tls=Tls(
            Files(arguments.tls_dir, arguments.client_ca),
            client_names=frozenset(arguments.client_name),
            trust=trust,
            on_certificate=lambda expires: recorder.certificate_expiry(expires.timestamp()),
        ),
        log_level=arguments.log_level,
        on_task_failure=recorder.task_failed,
    )
