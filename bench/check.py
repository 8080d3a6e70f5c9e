"""`tiergate check`, whole process against whole process: PyYAML's C `compose_all`, and `import yaml`.

Both run with the packages of the base installation alone, in turns. `python -m bench.check`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROUNDS: Final = 11
MANY: Final = 1000
"""Deployments in one file."""
PACKAGES: Final = ("msgspec", "yaml", "tiergate")
MOST_MEMORY: Final = 150
"""MiB that a check of many Deployments may take."""
TIERS: Final = Path(__file__).parents[1] / "charts/tiergate/values/environments.yaml"
_IMPORT: Final = "import yaml"
_COMPOSE: Final = (
    "import sys, yaml\nfor _ in yaml.compose_all(open(sys.argv[1], 'rb').read(), Loader=yaml.CSafeLoader): pass"
)
_CHECK: Final = "import sys; from tiergate.cli.entry import main; sys.exit(main())"
_OPTIONS: Final = ("check", "--tiers", str(TIERS), "--usage", "none", "-q")
DEPLOYMENT: Final = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: agent-{n}
  namespace: dev
  labels:
    app.kubernetes.io/name: agent
    app.kubernetes.io/instance: agent-{n}
    app.kubernetes.io/version: "1.2.3"
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/instance: agent-{n}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: agent
        app.kubernetes.io/instance: agent-{n}
      annotations:
        prometheus.io/scrape: "true"
    spec:
      serviceAccountName: agent
      containers:
      - name: agent
        image: registry.example.com/agent:1.2.3
        args: ["--listen", "0.0.0.0:8080", "--log-level=info"]
        ports:
        - name: http
          containerPort: 8080
        env:
        - name: MODE
          value: "fast"
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        readinessProbe:
          httpGet:
            path: /healthz
            port: http
          periodSeconds: 5
        resources:
          requests:
            cpu: 100m
            memory: 64Mi
          limits:
            cpu: 200m
            memory: 128Mi
      volumes:
      - name: data
        emptyDir: {{}}
"""


class Run(msgspec.Struct, frozen=True):
    """One process: seconds of CPU, and MiB at its largest."""

    cpu: float
    memory: float


class Contest(msgspec.Struct, frozen=True):
    """A check and what it is measured by: the most that it may cost of that."""

    name: str
    base: str
    most: float


class Sample(msgspec.Struct, frozen=True):
    """Both contestants of one contest in one round."""

    contest: Contest
    check: Run
    base: Run


ONE: Final = Contest("one Deployment", "import yaml", 3.0)
THOUSAND: Final = Contest(f"{MANY} Deployments", "compose_all of the same file", 2.5)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; return 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="bench.check", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often each is measured (default {ROUNDS})")
    with tempfile.TemporaryDirectory() as folder:
        samples = measured(Path(folder), parser.parse_args(argv).rounds)
    text, reached = report(samples)
    sys.stdout.write(f"{text}\n")
    return 0 if reached else 1


def measured(folder: Path, rounds: int) -> list[Sample]:
    """Return a sample of each contest in each round; one more round comes first and is not counted."""
    one, many = folder / "one.yaml", folder / "many.yaml"
    one.write_text(DEPLOYMENT.format(n=0))
    many.write_text("---\n".join(DEPLOYMENT.format(n=n) for n in range(MANY)))
    home = folder / "packages"
    home.mkdir()
    for package in PACKAGES:
        spec = find_spec(package)
        assert spec is not None  # noqa: S101  # they are installed
        (home / package).symlink_to(Path(spec.origin or "").parent, target_is_directory=True)
    samples = []
    for _ in range(rounds + 1):
        samples.append(Sample(ONE, ran(home, _CHECK, *_OPTIONS, str(one)), ran(home, _IMPORT)))
        samples.append(Sample(THOUSAND, ran(home, _CHECK, *_OPTIONS, str(many)), ran(home, _COMPOSE, str(many))))
    return samples[2:]


def ran(home: Path, program: str, *arguments: str) -> Run:
    """Run a program of Python with these packages alone, and return what it cost."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(home)}
    process = subprocess.Popen(  # what a child costs is told to whoever waits for it
        [sys.executable, "-S", "-c", program, *arguments], env=environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):  # a thousand Deployments do not fit
        msg = f"exit code {process.returncode}: {program}"
        raise RuntimeError(msg)
    return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def report(samples: Iterable[Sample]) -> tuple[str, bool]:
    """Return the medians, and whether all targets are reached; a ratio is taken inside a round, as rounds differ."""
    every = list(samples)
    rows = [f"{'tiergate check':<20}{'ms':>8}{'MiB':>6}   {'beside':<30}{'ms':>8}{'ratio':>7}"]
    verdicts = []
    reached = True
    for contest in dict.fromkeys(sample.contest for sample in every):
        group = [sample for sample in every if sample.contest == contest]
        ratio = median(sample.check.cpu / sample.base.cpu for sample in group)
        memory = max(sample.check.memory for sample in group)
        check, base = (1000 * median(getattr(one, side).cpu for one in group) for side in ("check", "base"))
        rows.append(f"{contest.name:<20}{check:>8.0f}{memory:>6.0f}   {contest.base:<30}{base:>8.0f}{ratio:>7.2f}")
        fits = ratio <= contest.most and memory <= MOST_MEMORY
        reached = reached and fits
        verdicts.append(
            f"{contest.name}: {ratio:.2f} x {contest.base}, {memory:.0f} MiB; the target is at most {contest.most:g} x "
            f"and {MOST_MEMORY} MiB: {'reached' if fits else 'missed'}"
        )
    return "\n".join([*rows, *verdicts]), reached


if __name__ == "__main__":
    raise SystemExit(main())
