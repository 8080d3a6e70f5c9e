"""Collections of the API server that more than one command reads."""

from typing import Final

TIERS: Final = "/apis/tiergate.io/v1alpha1/tiers"
NAMESPACES: Final = "/api/v1/namespaces"
QUOTAS: Final = "/api/v1/resourcequotas"
LIMIT_RANGES: Final = "/api/v1/limitranges"
