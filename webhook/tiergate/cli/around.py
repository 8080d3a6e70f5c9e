"""The options that say what is around manifests, for each command that judges some."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tiergate.check.surroundings import Surroundings
    from tiergate.manifests.load import Loaded

CLUSTER: Final = "cluster"
"""The word for usage as a cluster has it."""
_VERSION: Final = re.compile(r"v?1\.([0-9]{1,3})(\..*)?")
OLDEST: Final = 34
"""The oldest minor whose rules are known."""


class WrongUsage(Exception):
    """The options contradict each other; the text says which, and why."""


def add_around(parser: argparse.ArgumentParser, *, namespace: bool = True) -> None:
    """Describe where tiers and namespaces come from; ``namespace``: objects may name none."""
    add = parser.add_argument
    add("--tiers", action="append", default=[], metavar="PATH", help="Tiers, or a values file of the chart; repeatable")
    add("--namespaces", action="append", default=[], metavar="PATH", help="Namespaces with their labels; repeatable")
    if namespace:
        add("-n", "--namespace", default="", metavar="NAME", help="namespace of objects that do not name one")
    add("--tier", metavar="NAME", help="the tier of every namespace, instead of its label")


def add_version(parser: argparse.ArgumentParser) -> None:
    """Describe where the release comes from."""
    parser.add_argument(
        "--kubernetes-version", type=_minor, metavar="1.N", help="version of Kubernetes; the newest one by default"
    )


def _minor(text: str) -> int:
    from tiergate.core.release import NEWEST  # noqa: PLC0415 - --help needs no rules

    found = _VERSION.fullmatch(text)
    minor = int(found[1]) if found else 0
    if not OLDEST <= minor <= NEWEST:
        msg = f"{text} is not a release from 1.{OLDEST} to 1.{NEWEST}"
        raise argparse.ArgumentTypeError(msg)
    return minor


def minor_of(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
    """Return the release's minor number: as named, else that of the cluster."""
    from tiergate.core.release import NEWEST  # noqa: PLC0415 - as above

    named: int | None = arguments.kubernetes_version
    return named if named is not None else surroundings.stored.minor or NEWEST


def surroundings_of(arguments: argparse.Namespace, loaded: Loaded) -> Surroundings:
    """Return what is around manifests.

    Later ones replace earlier ones: what comes with usage, then the Tiers of ``--namespaces``, ``--tiers``, and the
    Namespaces of ``--namespaces``. Those among the manifests count where no option names them.

    Raises:
        NoCluster: Usage is to be read from a cluster, and there is none.
        WrongUsage: ``--tier`` names a tier that does not exist, such as a typo.
    """
    from tiergate.check.surroundings import Surroundings  # noqa: PLC0415 - as above
    from tiergate.manifests.load import load, loaded_of  # noqa: PLC0415 - as above

    usage = getattr(arguments, "usage", None)
    found = Surroundings(
        usage="unknown" if usage is None else "none" if usage == "none" else "file",
        namespace=getattr(arguments, "namespace", ""),
        tier=arguments.tier,
    )
    if usage == CLUSTER:
        used = loaded_of(_cluster(arguments, loaded), CLUSTER)
    else:
        used = load([] if usage in (None, "none") else [usage])
    tiers, others = load(arguments.tiers), load(arguments.namespaces)
    found.faults.extend((*used.faults, *tiers.faults, *others.faults))
    found.add(used.manifests, named=True, running=True)
    found.add([one for one in others.manifests if one.kind == "Tier"], named=True)
    found.add(tiers.manifests, named=True)
    found.add([one for one in others.manifests if one.kind != "Tier"], named=True)
    found.add(loaded.manifests, named=False)
    if lacking := found.lacks_named_tier():
        msg = f"--tier: {lacking}"
        raise WrongUsage(msg)
    return found


def _cluster(arguments: argparse.Namespace, loaded: Loaded) -> bytes:
    """Return the cluster as far as the manifests need it."""
    from tiergate.cli.live import run_live  # noqa: PLC0415 - an offline check needs no client
    from tiergate.live.snapshot import take  # noqa: PLC0415 - as above

    named = {one.namespace or arguments.namespace for one in loaded.manifests}
    named |= {one.name for one in loaded.manifests if (one.group, one.kind) == ("", "Namespace")}
    wanted = named - {""}
    return run_live(arguments, lambda api: take(api, namespaces=wanted, everything=False)).json
