"""What quota counts of a claim (R-40 to R-42)."""

from __future__ import annotations

import pytest

from tests.builders import Texts, a_claim, texts
from tiergate.core.claim import Claim, claim_charge

COUNTS = {"persistentvolumeclaims": "1", "count/persistentvolumeclaims": "1"}
GOLD = "gold.storageclass.storage.k8s.io"


@pytest.mark.rule("Q-11", "R-40", "R-41")
@pytest.mark.parametrize(
    ("claim", "charge"),
    [
        pytest.param(a_claim(None), COUNTS, id="R-40-counts-alone"),
        pytest.param(a_claim("5Gi"), {**COUNTS, "requests.storage": "5Gi"}, id="R-41-storage"),
        pytest.param(
            a_claim("5Gi", storage_class="gold"),
            {
                **COUNTS,
                f"{GOLD}/persistentvolumeclaims": "1",
                "requests.storage": "5Gi",
                f"{GOLD}/requests.storage": "5Gi",
            },
            id="R-41-by-class",
        ),
        pytest.param(
            a_claim(None, storage_class="gold"), {**COUNTS, f"{GOLD}/persistentvolumeclaims": "1"}, id="R-40-by-class"
        ),
        pytest.param(a_claim("1.5"), {**COUNTS, "requests.storage": "2"}, id="R-41-whole-bytes"),
        pytest.param(a_claim("5Gi", allocated="8Gi"), {**COUNTS, "requests.storage": "8Gi"}, id="R-41-allocated-more"),
        pytest.param(a_claim("9Gi", allocated="8Gi"), {**COUNTS, "requests.storage": "9Gi"}, id="R-41-allocated-less"),
    ],
)
def test_a_claim_counts_itself_and_its_storage(claim: Claim, charge: Texts) -> None:
    assert texts(claim_charge(claim)) == charge
