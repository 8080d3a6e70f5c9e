"""Which defaults a Container item has without anybody writing them (L-1)."""

from __future__ import annotations

import pytest

from tests.builders import Texts, a_tier, an_item, texts
from tiergate.core.tier import derived_defaults


@pytest.mark.rule("L-1")
@pytest.mark.parametrize(
    ("low", "high", "default", "default_request", "effective", "effective_request"),
    [
        pytest.param({}, {"cpu": "2"}, {}, {}, {"cpu": "2"}, {"cpu": "2"}, id="L-1-max-alone"),
        pytest.param({"cpu": "100m"}, {}, {}, {}, {}, {"cpu": "100m"}, id="L-1-min-alone"),
        pytest.param({"cpu": "100m"}, {"cpu": "2"}, {}, {}, {"cpu": "2"}, {"cpu": "2"}, id="L-1-max-beats-min"),
        pytest.param({}, {"cpu": "2"}, {}, {"cpu": "250m"}, {"cpu": "2"}, {"cpu": "250m"}, id="L-1-request-written"),
        pytest.param({}, {}, {"cpu": "500m"}, {}, {"cpu": "500m"}, {"cpu": "500m"}, id="L-1-request-from-default"),
        pytest.param({}, {"cpu": "2"}, {"cpu": "1"}, {}, {"cpu": "1"}, {"cpu": "1"}, id="L-1-default-beats-max"),
        pytest.param(
            {"cpu": "1", "memory": "64Mi"},
            {},
            {"cpu": "2"},
            {},
            {"cpu": "2"},
            {"cpu": "2", "memory": "64Mi"},
            id="L-1-per-resource",
        ),
    ],
)
def test_defaults_are_derived_in_the_order_of_the_api_server(
    low: Texts, high: Texts, default: Texts, default_request: Texts, effective: Texts, effective_request: Texts
) -> None:
    item = a_tier(an_item(low=low, high=high, default=default, default_request=default_request)).container
    assert item is not None
    assert texts(item.default) == effective
    assert texts(item.default_request) == effective_request


def test_a_ratio_derives_nothing() -> None:
    item = a_tier(an_item(ratio={"cpu": "4"})).container
    assert item is not None
    assert not item.default
    assert not item.default_request


@pytest.mark.parametrize("kind", ["Pod", "PersistentVolumeClaim"])
def test_only_container_items_get_defaults(kind: str) -> None:
    tier = a_tier(an_item(kind, low={"storage": "1Gi"}, high={"storage": "2Gi"}))
    item = tier.pod or tier.claim
    assert item is not None
    assert not item.default
    assert not item.default_request


def test_every_derived_default_can_be_told_to_the_author() -> None:
    item = an_item(low={"memory": "64Mi"}, high={"cpu": "2"}, default_request={"cpu": "1"})
    told = [(field, name, str(quantity)) for field, name, quantity in derived_defaults(item)]
    assert told == [("default", "cpu", "2"), ("defaultRequest", "memory", "64Mi")]
