"""The connection of commands that people run: by their kubeconfig, as ``kubectl`` finds it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable, Mapping

    from tiergate.cluster.api import Api
    from tiergate.cluster.client import Client

SERVICE_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
KUBECONFIG: Final = "as for kubectl; default $KUBECONFIG, then ~/.kube/config (extra live)"
CONTEXT: Final = "context of the kubeconfig; the current one by default"
Value = TypeVar("Value")


class NoCluster(Exception):
    """There is no answer of an API server; the text says why."""


def add_connection(parser: argparse.ArgumentParser) -> None:
    """Describe which cluster is read."""
    add = parser.add_argument
    add("--kubeconfig", metavar="FILE", help=KUBECONFIG)
    add("--context", metavar="NAME", help=CONTEXT)


def run_live(arguments: argparse.Namespace, work: Callable[[Api], Awaitable[Value]]) -> Value:
    """Connect, do the work, disconnect and return what the work does.

    Raises:
        NoCluster: The API server cannot be reached, or takes no requests of ours.
        ModuleNotFoundError: The extra ``live`` is not installed.
    """
    import asyncio  # noqa: PLC0415 - --help and offline checks need no client

    from tiergate.cluster.api import Api  # noqa: PLC0415 - as above
    from tiergate.cluster.errors import ApiError, BodyTooLarge, ConfigError, Unreachable  # noqa: PLC0415 - as above

    async def connected() -> Value:
        client = await client_of(arguments, os.environ)
        try:
            return await work(Api(client))
        finally:
            await client.close()

    try:
        return asyncio.run(connected())
    except (ApiError, BodyTooLarge, ConfigError, Unreachable) as error:
        raise NoCluster(str(error)) from error


def kubeconfig_path(named: str | None, environment: Mapping[str, str]) -> str | None:
    """Return where the kubeconfig is, None in a pod, whose service account says who it is."""
    if path := named or environment.get("KUBECONFIG"):
        return path
    path = os.path.expanduser("~/.kube/config")  # noqa: PTH111 - a Path costs more than the rest
    in_a_pod = "KUBERNETES_SERVICE_HOST" in environment
    return None if in_a_pod and not os.path.isfile(path) else path  # noqa: PTH113 - as above


async def client_of(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Client:
    """Return a client of the cluster that the options and the environment name; nothing is sent yet."""
    from tiergate.cluster.client import Client  # noqa: PLC0415 - as above

    path = kubeconfig_path(arguments.kubeconfig, environment)
    if path is None:
        return await Client.connect(service_account_dir=SERVICE_ACCOUNT)
    from tiergate.cluster.kubeconfig import KubeConfig  # noqa: PLC0415 - as above

    return Client.of(await KubeConfig.load(path, context=arguments.context, environment=environment))
