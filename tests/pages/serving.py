"""The pages on a port of this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.serving import WSGIRequestHandler, make_server

from tests.pages import samples
from tiergate.pages.application import create_app
from tiergate.pages.shown import Shown


class _Silent(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@contextmanager
def served(shown: Shown) -> Iterator[str]:
    """Serve the pages; yield their URL."""
    app = create_app(shown=lambda: shown, metrics=bytes, metrics_type="text/plain", now=lambda: samples.NOW)
    server = make_server("127.0.0.1", 0, app, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
