"""`kubectl logs` for the pods that our kubelet runs."""

from __future__ import annotations

import sys

import pytest

from tests.controlplane.cluster import NAMESPACE, Cluster
from tests.controlplane.test_kubelet import a_pod

pytestmark = pytest.mark.cluster


def test_the_log_of_a_pod_that_failed_can_be_read(own: Cluster) -> None:
    """What the process wrote to both outputs, when it is over, too; a pod without a log is named."""
    says = "import sys; print('said'); print('cried', file=sys.stderr); sys.exit(3)"
    own.apply(a_pod("speaks", sys.executable, "-c", says, restart="Never"), namespace=NAMESPACE)
    own.kubectl(f"wait --for=jsonpath={{.status.phase}}=Failed pod/speaks -n {NAMESPACE} --timeout=30s")
    assert {"said", "cried"} <= set(own.kubectl(f"logs speaks -n {NAMESPACE}").out.splitlines())
    assert "NotFound" in own.run(f"kubectl logs silent -n {NAMESPACE}").err
    own.kubectl(f"delete pod speaks -n {NAMESPACE}")
