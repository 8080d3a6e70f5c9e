"""The control plane of a real node: its API server calls webhooks at the addresses of pods, which reach it in turn."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.controlplane.credentials import apiserver_flags, write_kubeconfig, write_private, write_signing_key
from tests.node.daemons import Daemons
from tests.node.namespaces import GATEWAY, SERVICES

NODE: Final = "node-1"
ADMIN: Final = "admin"
KUBELET: Final = "kubelet"
_ETCD: Final = "http://127.0.0.1:2379"
_PEERS: Final = "http://127.0.0.1:2380"


def write_files(folder: Path) -> None:
    """Write what the servers read: tokens, a signing key, kubeconfigs of the administrator and the kubelet."""
    write_signing_key(folder / "service-account.key")
    tokens = {ADMIN: secrets.token_urlsafe(24), KUBELET: secrets.token_urlsafe(24)}
    users = f"{tokens[ADMIN]},admin,admin,system:masters\n{tokens[KUBELET]},system:node:{NODE},kubelet,system:nodes\n"
    write_private(folder / "tokens.csv", users.encode())
    server, authority = f"https://{GATEWAY}:6443", folder / "certificates" / "apiserver.crt"
    for name, token in tokens.items():
        write_kubeconfig(kubeconfig(folder, name), server=server, authority=authority, user=name, token=token)


def kubeconfig(folder: Path, name: str = ADMIN) -> Path:
    """Return the kubeconfig of the administrator or the kubelet."""
    return folder / f"{name}.kubeconfig"


def start(daemons: Daemons, folder: Path, programs: Mapping[str, str]) -> None:
    """Start etcd and the API server."""
    daemons.start(
        "etcd",
        (
            *(programs["etcd"], "--name=default", f"--data-dir={folder / 'etcd'}", "--log-level=warn"),
            *(f"--listen-client-urls={_ETCD}", f"--advertise-client-urls={_ETCD}", f"--listen-peer-urls={_PEERS}"),
            *(f"--initial-advertise-peer-urls={_PEERS}", f"--initial-cluster=default={_PEERS}", "--unsafe-no-fsync"),
        ),
    )
    daemons.start("kube-apiserver", (programs["kube-apiserver"], *_apiserver(folder)))


def start_controllers(daemons: Daemons, folder: Path, programs: Mapping[str, str]) -> None:
    """Start what works beside the API server, which must be serving."""
    quick = ("--kube-api-qps=500", "--kube-api-burst=1000", "--leader-elect=false", "--secure-port=0")
    daemons.start(
        "kube-controller-manager",
        (
            *(programs["kube-controller-manager"], f"--kubeconfig={kubeconfig(folder)}", *quick),
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={folder / 'service-account.key'}",
            f"--root-ca-file={folder / 'certificates' / 'apiserver.crt'}",
        ),
    )
    daemons.start("kube-scheduler", (programs["kube-scheduler"], f"--kubeconfig={kubeconfig(folder)}", *quick))
    proxy = (
        "--proxy-mode=nftables",
        "--masquerade-all=true",
        "--conntrack-max-per-core=0",
        f"--hostname-override={NODE}",
    )
    daemons.start("kube-proxy", (programs["kube-proxy"], f"--kubeconfig={kubeconfig(folder)}", *proxy))


def _apiserver(folder: Path) -> tuple[str, ...]:
    return (
        f"--etcd-servers={_ETCD}",
        f"--bind-address={GATEWAY}",
        f"--advertise-address={GATEWAY}",
        f"--service-cluster-ip-range={SERVICES}",
        # Webhooks are called at the addresses of their pods, as in managed clusters, whose servers have no kube-proxy.
        "--enable-aggregator-routing=true",
        *apiserver_flags(folder),
    )
