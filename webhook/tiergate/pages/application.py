"""The Flask application. It decides nothing and reads nothing: the caller passes in all that it shows.

It runs on one thread beside the event loop; what it reads is immutable or safe to read from there.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Protocol

from flask import Flask, Response, request
from markupsafe import Markup

from tiergate.pages.authorization import METRICS
from tiergate.pages.hosts import is_local
from tiergate.pages.views import Views
from tiergate.pages.words import ago, number, when

if TYPE_CHECKING:
    from collections.abc import Callable

    from tiergate.pages.shown import Shown

MISDIRECTED: Final = 421


class Metrics(Protocol):
    """Renders metrics in Prometheus' text format."""

    def __call__(self) -> bytes:
        """Return the whole exposition."""


def create_app(
    *,
    shown: Callable[[], Shown],
    metrics: Metrics,
    metrics_type: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Flask:
    """Return the application. Whoever asks it may read what it shows.

    Args:
        shown: What the pages show now.
        metrics: Renders ``/metrics``.
        metrics_type: Its content type.
        now: The time of day, in UTC.
    """
    app = Flask(__name__, static_folder=None)
    style = (files(__package__) / "templates" / "page.css").read_text()
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["style"] = Markup(style)  # noqa: S704 - our own file
    app.jinja_env.filters.update(ago=ago, when=when, number=number)
    headers = _headers(style)

    @app.before_request
    def refuse_other_names() -> tuple[str, int, dict[str, str]] | None:
        if request.path == METRICS or is_local(request.headers.get("Host", "")):
            return None
        return "open this page as localhost or 127.0.0.1\n", MISDIRECTED, {"Content-Type": "text/plain"}

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(headers)
        return response

    @app.get(METRICS)
    def show_metrics() -> Response:
        return Response(metrics(), content_type=metrics_type)

    views = Views(shown, now)
    for path, view in views.paths().items():
        app.add_url_rule(path, view_func=view)
    app.register_error_handler(404, views.not_found)
    return app


def _headers(style: str) -> dict[str, str]:
    """Return the headers of every answer: nothing is loaded, embedded, kept or sent elsewhere."""
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "img-src": "data:",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
