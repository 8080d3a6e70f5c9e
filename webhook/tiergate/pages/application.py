"""The Flask application. It decides nothing and reads nothing: the caller passes in all that it shows.

It runs on one thread beside the event loop; what it reads is immutable or safe to read from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from flask import Flask, Response, jsonify, render_template, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tiergate.metrics.snapshot import Snapshot, UsageRow
    from tiergate.pages.authorization import Access

BEARER: Final = "bearer "
_STATUS: Final = {"unauthenticated": 401, "forbidden": 403, "unavailable": 503}


class Metrics(Protocol):
    """Renders metrics in Prometheus' text format."""

    def __call__(self) -> bytes:
        """Return the whole exposition."""


def create_app(
    *,
    snapshot: Callable[[], Snapshot],
    metrics: Metrics,
    metrics_type: str,
    authorize: Callable[[str | None], Access] | None,
) -> Flask:
    """Return the application.

    Args:
        snapshot: The latest usage.
        metrics: Renders ``/metrics``.
        metrics_type: Its content type.
        authorize: Returns the access of a bearer token; None lets everyone read the metrics.
    """
    app = Flask(__name__)

    @app.get("/metrics")
    def show_metrics() -> Response:
        access: Access = "permitted" if authorize is None else authorize(_token(request.headers.get("Authorization")))
        if access == "permitted":
            return Response(metrics(), content_type=metrics_type)
        return Response(f"{access}\n", status=_STATUS[access], content_type="text/plain")

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


def _token(header: str | None) -> str | None:
    if header is None or not header.lower().startswith(BEARER):
        return None
    return header[len(BEARER) :].strip() or None


def _as_json(now: Snapshot) -> Response:
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
