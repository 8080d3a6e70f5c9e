"""The values file of the three environments, number by number."""

import pytest

from tests.chart.helm import Helm

pytestmark = pytest.mark.helm

HARD = (
    *("requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "pods", "requests.storage"),
    *("persistentvolumeclaims", "requests.ephemeral-storage", "limits.ephemeral-storage"),
)
ITEM = ("defaultRequest", "default", "min", "max")


@pytest.mark.parametrize(
    ("tier", "hard", "ephemeral", "item"),
    [
        pytest.param(
            "dev",
            "2 2Gi 4 4Gi 20 10Gi 5 10Gi 20Gi",
            "256Mi 1Gi",
            "100m 128Mi, 250m 256Mi, 10m 32Mi, 500m 512Mi",
            id="dev",
        ),
        pytest.param(
            "staging",
            "4 4Gi 8 8Gi 30 30Gi 10 20Gi 60Gi",
            "256Mi 2Gi",
            "250m 256Mi, 500m 512Mi, 50m 64Mi, 1 1Gi",
            id="staging",
        ),
        pytest.param(
            "prod",
            "8 8Gi 16 16Gi 50 50Gi 20 50Gi 200Gi",
            "512Mi 4Gi",
            "500m 512Mi, 750m 768Mi, 100m 128Mi, 2 2Gi",
            id="prod",
        ),
    ],
)
def test_tier_holds_the_numbers_of_the_lesson(helm: Helm, tier: str, hard: str, ephemeral: str, item: str) -> None:
    """Each environment has one Container item and one quota, with exactly these bounds."""
    spec = helm.render_environments().one("Tier", tier)["spec"]
    pairs = [dict(zip(("cpu", "memory"), pair.split(), strict=True)) for pair in item.split(", ")]
    for pair, amount in zip(pairs[:2], ephemeral.split(), strict=True):
        pair["ephemeral-storage"] = amount
    assert spec == {
        "enforcement": "Enforce",
        "limits": [{"type": "Container", **dict(zip(ITEM, pairs, strict=True))}],
        "quotas": [{"name": "compute", "hard": dict(zip(HARD, hard.split(), strict=True))}],
    }


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_namespace_joins_its_tier_by_label(helm: Helm, name: str) -> None:
    """One namespace for each environment, in the tier of its name."""
    rendered = helm.render_environments()
    assert rendered.names("Namespace") == {"dev", "staging", "prod"}
    assert rendered.one("Namespace", name)["metadata"]["labels"]["tiergate.io/tier"] == name


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_pods_are_kept_off_the_node(helm: Helm, name: str) -> None:
    """Without Pod Security a host path is storage that no quota counts."""
    labels = helm.render_environments().one("Namespace", name)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"


def test_namespaces_can_be_left_to_others(helm: Helm) -> None:
    """createNamespaces: false creates the tiers and leaves every namespace alone."""
    rendered = helm.render_environments({"createNamespaces": False})
    assert not rendered.names("Namespace")
    assert rendered.names("Tier") == {"dev", "staging", "prod"}


def test_a_second_file_adds_a_namespace_to_a_tier(helm: Helm) -> None:
    """Maps merge, so a team adds its namespace without repeating anybody else's."""
    labels = {"team": "agents", "pod-security.kubernetes.io/enforce": "baseline"}
    team = {"namespaces": {"agents": {"tier": "dev", "labels": labels, "annotations": {"example.com/cost": "7"}}}}
    rendered = helm.render_environments(team)
    assert rendered.names("Namespace") == {"dev", "staging", "prod", "agents"}
    metadata = rendered.one("Namespace", "agents")["metadata"]
    assert metadata["labels"].items() >= {**labels, "tiergate.io/tier": "dev"}.items()
    assert metadata["annotations"]["example.com/cost"] == "7"
