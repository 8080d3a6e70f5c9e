"""What the command line says of the controller."""

import msgspec

from tiergate.cluster.lease import LeaseTiming
from tiergate.core.handover import HandoverTiming
from tiergate_certs.plan import Policy


class ControllerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says.

    Attributes:
        kubeconfig: File to use instead of the service account.
        service_account_dir: Folder with the token and the CA of a service account.
        namespace: Of the release: the Lease and the Secrets live there.
        service: Name of the webhook's Service, which the certificate is for.
        host: How this replica is called in the Lease, made unique by a random part.
        lease: Times of the leader election.
        external_secret: Name of the Secret with the webhook's certificate if another owner keeps it.
        policy: Lifetimes of certificates.
        ca_injected: Whether cainjector writes the caBundle of the webhook configurations.
        handover: When Kubernetes' own engines stand in for the webhook.
    """

    kubeconfig: str | None
    service_account_dir: str | None
    namespace: str
    service: str
    host: str
    lease: LeaseTiming = LeaseTiming()
    external_secret: str = ""
    policy: Policy = Policy()
    ca_injected: bool = False
    handover: HandoverTiming = HandoverTiming()
