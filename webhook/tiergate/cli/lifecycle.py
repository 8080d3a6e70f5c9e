"""``tiergate crds``, ``tiergate uninstall`` and ``tiergate verify``: what the chart's hooks run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tiergate.cli.connection import run_connected, say
from tiergate.cluster.api import Api
from tiergate.lifecycle.crds import NotRaised, raise_all
from tiergate.lifecycle.helm import not_uninstalling
from tiergate.lifecycle.uninstall import NotUninstalled, uninstall
from tiergate.lifecycle.verify import verify

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable


def run_crds(arguments: argparse.Namespace) -> int:
    """Raise the definitions of the files."""

    async def work(api: Api) -> bool:
        await raise_all(api, arguments.files, say=say)
        return True

    return _run(arguments, work)


def run_uninstall(arguments: argparse.Namespace) -> int:
    """Take the installation down in order."""

    async def work(api: Api) -> bool:
        release, revision = arguments.helm_release, arguments.helm_revision
        if release and (
            why := await not_uninstalling(api, namespace=arguments.namespace, release=release, revision=revision)
        ):
            say(f"nothing was changed: {why}")
            return True
        await uninstall(api, namespace=arguments.namespace, say=say)
        return True

    return _run(arguments, work)


def run_verify(arguments: argparse.Namespace) -> int:
    """Prove that the installation enforces; the exit code is 1 where something it should do does not happen."""

    async def work(api: Api) -> bool:
        return await verify(
            api,
            namespaces=arguments.governed,
            image=arguments.image,
            patience=arguments.patience,
            say=say,
            tell=_tell,
        )

    return _run(arguments, work)


def _tell(line: str) -> None:
    """Say how far it is to people who wait, and not to what reads the result."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _run(arguments: argparse.Namespace, work: Callable[[Api], Awaitable[bool]]) -> int:
    return run_connected(
        arguments,
        lambda client: work(Api(client)),
        command=arguments.command,
        failures=(NotRaised, NotUninstalled),
    )
