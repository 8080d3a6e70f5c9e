"""The Flask application. It decides nothing and reads nothing: the caller passes in all that it shows.

It runs on one thread beside the event loop; what it reads is immutable or safe to read from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from flask import Flask, Response, jsonify, render_template, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tiergate.metrics.snapshot import UsageRow, UsageSnapshot


class Metrics(Protocol):
    """Renders metrics in Prometheus' text format."""

    def __call__(self) -> bytes:
        """Return the whole exposition."""


def create_app(
    *,
    snapshot: Callable[[], UsageSnapshot],
    metrics: Metrics,
    metrics_type: str,
) -> Flask:
    """Return the application. Whoever asks it may read what it shows.

    Args:
        snapshot: The latest usage.
        metrics: Renders ``/metrics``.
        metrics_type: Its content type.
    """
    app = Flask(__name__)

    @app.get("/metrics")
    def show_metrics() -> Response:
        return Response(metrics(), content_type=metrics_type)

    @app.get("/")
    @app.get("/usage")
    def show_usage() -> str | Response:
        now = snapshot()
        if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
            return _as_json(now)
        return render_template("usage.html", taken=now.taken, rows=[_with_share(row) for row in now.rows])

    @app.get("/usage.json")
    def show_usage_as_json() -> Response:
        return _as_json(snapshot())

    return app


def _as_json(now: UsageSnapshot) -> Response:
    return jsonify(taken=now.taken.isoformat(), usage=[_as_dict(row) for row in now.rows])


def _as_dict(row: UsageRow) -> dict[str, Any]:
    return {
        "tier": row.tier,
        "namespace": row.namespace,
        "quota": row.quota,
        "resource": row.resource,
        "used": str(row.used),
        "hard": str(row.hard),
    }


def _with_share(row: UsageRow) -> dict[str, Any]:
    share = 100 * row.used.nano // row.hard.nano if row.hard.nano else 100
    return {**_as_dict(row), "share": share}
