"""README.md of the chart, from what its values and docs/values.md say: what a registry or Artifact Hub shows of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from tests.docs import values
from tests.docs.values import CHART

FILE: Final[Path] = CHART / "README.md"

_HEAD: Final = """\
# {name}

{description}. Needs Kubernetes {kubernetes} (tested up to {tested}) and Helm 3.19 or 4.

```
helm install tiergate CHART --namespace tiergate-system --create-namespace --values your-values.yaml
kubectl wait --for=condition=Ready tier --all
helm test tiergate --namespace tiergate-system
```

`CHART` is a checkout's `charts/tiergate` or `oci://REGISTRY/charts/tiergate`. Two values files are in the chart
(`helm pull CHART --untar`): `tiergate/values/environments.yaml` has tiers and namespaces for dev, staging and prod,
`tiergate/values/teams.yaml` for three teams and their observability namespace.

- A cluster has one Tiergate, so names are fixed: there is no `nameOverride` and no `fullnameOverride`.
- What the chart sets itself (labels, annotations, names) wins over `commonLabels` and its like.
- A null removes what an earlier values file has under a name (`namespaces.dev: null`), labels, annotations and
  `resources`; everything else that is null has its default. So `helm upgrade --reuse-values` works.
- As a dependency: `condition: tiergate.enabled`, values under `tiergate:`, and `global.imageRegistry`.
- Namespaces, tiers and what teams have in them stay when the release is uninstalled.

More: [installing]({docs}/install.md), [platforms]({docs}/platforms.md), [operating]({docs}/operate.md).

"""


def written() -> str:
    """Return the whole page: a head, and the sections of docs/values.md."""
    chart: dict[str, Any] = yaml.safe_load((CHART / "Chart.yaml").read_text())
    head = _HEAD.format(
        name=chart["name"],
        description=chart["description"],
        kubernetes=chart["kubeVersion"].removeprefix(">=").removesuffix(".0-0") + " or later",
        tested=chart["annotations"]["tiergate.io/newest-tested-kubernetes"],
        docs=f"{chart['home']}/blob/main/docs",
    )
    return f"{head}## Values\n\n{values.sections().replace('## ', '### ')}"
