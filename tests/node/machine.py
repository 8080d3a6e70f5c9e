"""containerd and kubelet: their settings, and how they start."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.node import servers
from tests.node.daemons import Daemons
from tests.node.namespaces import BRIDGE, GATEWAY, PODS
from tests.node.servers import KUBELET, NODE

SANDBOX: Final = "registry.example/sandbox:1.0"
_NAMESPACE: Final = "k8s.io"

CONTAINERD: Final = """\
version = 3
root = "{folder}/containerd/root"
state = "{folder}/containerd/state"
disabled_plugins = ["io.containerd.nri.v1.nri"]

[grpc]
address = "{socket}"

[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{sandbox}"

[plugins."io.containerd.cri.v1.runtime"]
# The kubelet asks for less than this process has, which takes CAP_SYS_RESOURCE.
restrict_oom_score_adj = true

[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["{plugins}"]
conf_dir = "{folder}/cni"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
SystemdCgroup = false
"""


def socket(folder: Path) -> Path:
    """Return where containerd listens."""
    return folder / "containerd.sock"


def write_files(folder: Path, programs: Mapping[str, str]) -> None:
    """Write the settings of containerd, the network of pods, and the kubelet."""
    plugins = Path(programs["bridge"]).parent
    content = CONTAINERD.format(folder=folder, socket=socket(folder), sandbox=SANDBOX, plugins=plugins)
    (folder / "containerd.toml").write_text(content)
    (folder / "cni").mkdir()
    (folder / "cni" / "10-bridge.conflist").write_text(json.dumps(_network(folder)))
    (folder / "kubelet.json").write_text(json.dumps(_kubelet(folder)))


def start_containerd(daemons: Daemons, folder: Path, programs: Mapping[str, str]) -> None:
    """Start containerd."""
    daemons.start("containerd", (programs["containerd"], f"--config={folder / 'containerd.toml'}"))


def import_images(folder: Path, programs: Mapping[str, str], archive: Path) -> None:
    """Bring the images of an archive to the node."""
    line = (programs["ctr"], f"--address={socket(folder)}", f"--namespace={_NAMESPACE}", "images", "import")
    done = subprocess.run([*line, "--no-unpack=false", str(archive)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        msg = f"ctr could not import {archive}: {done.stderr.strip()}"
        raise AssertionError(msg)


def start_kubelet(daemons: Daemons, folder: Path, programs: Mapping[str, str]) -> None:
    """Start the kubelet."""
    daemons.start(
        "kubelet",
        (
            *(programs["kubelet"], f"--config={folder / 'kubelet.json'}", f"--root-dir={folder / 'kubelet'}"),
            *(f"--kubeconfig={servers.kubeconfig(folder, KUBELET)}", f"--hostname-override={NODE}"),
            *(f"--node-ip={GATEWAY}", f"--cert-dir={folder / 'kubelet-certificates'}"),
        ),
    )


def _network(folder: Path) -> dict[str, object]:
    ranges = [[{"subnet": PODS, "gateway": GATEWAY}]]
    ipam = {"type": "host-local", "ranges": ranges, "routes": [{"dst": "0.0.0.0/0"}], "dataDir": str(folder / "leases")}
    bridge = {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "ipam": ipam}
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge]}


def _kubelet(folder: Path) -> dict[str, object]:
    signals = ("memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available", "imagefs.inodesFree")
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": GATEWAY,
        # The API server asks for logs, exec and port-forward without a certificate; nobody else is in this network.
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "containerRuntimeEndpoint": f"unix://{socket(folder)}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{folder.name}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": [],
        # The disk and the memory of this machine are not ours to judge.
        "evictionHard": dict.fromkeys(signals, "0%"),
        "imageGCHighThresholdPercent": 100,
        "resolvConf": "",
        "oomScoreAdj": 0,
        "makeIPTablesUtilChains": False,
        "podLogsDir": str(folder / "pods"),
        "volumePluginDir": str(folder / "plugins"),
        "registryPullQPS": 0,
        "maxPods": 100,
        "kubeAPIQPS": 100,
        "kubeAPIBurst": 200,
    }
