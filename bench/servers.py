"""The two servers that are compared, as processes of their own."""

from __future__ import annotations

import contextlib
import os
import shutil
import ssl
import subprocess
import sysconfig
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.files import API_SERVER_NAME, RELEASE_NAMESPACE, Files, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

START_SECONDS: Final = 30.0
NGINX_CONNECTIONS: Final = 1024
"""More than any load opens: nginx closes idle connections of others, also of who is measured, before it refuses one."""
STATIC: Final = (
    '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":'
    '{"uid":"7f0d2f6c-8f6e-4c53-9f43-0d7e7f3a5a10","allowed":true}}'
)


class CannotStartError(RuntimeError):
    """A server cannot be had here; the text is one sentence for the person at the terminal."""


@dataclass(frozen=True)
class Server:
    """A running server."""

    pid: int
    port: int


def find_nginx() -> str:
    """Return nginx's path, which on Debian is not in everybody's PATH.

    Raises:
        CannotStartError: There is none.
    """
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        msg = "The benchmark compares with nginx and finds none: install your distribution's package `nginx`."
        raise CannotStartError(msg)
    return found


@contextlib.contextmanager
def nginx(files: Files) -> Iterator[Server]:
    """Run nginx with one worker and a static answer: the least that TLS and HTTP cost."""
    folder = files.root / "nginx"
    folder.mkdir()
    port = free_port()
    (folder / "nginx.conf").write_text(_nginx_conf(port, files.tls))
    command = [find_nginx(), "-p", str(folder), "-e", "error.log", "-c", "nginx.conf"]
    with _running(command, folder / "error.log", {}) as process:
        _wait("nginx", process, port, "/", files.authority, folder / "error.log")
        yield Server(process.pid, port)


@contextlib.contextmanager
def tiergate(files: Files, api_server_port: int) -> Iterator[Server]:
    """Run ``tiergate serve`` as its pod does, its log going to a file."""
    port, usage_port = free_port(), free_port()
    log = files.root / "tiergate.log"
    command = [
        *(str(Path(sysconfig.get_path("scripts")) / "tiergate"), "serve"),
        *("--listen-address=127.0.0.1", f"--port={port}", f"--usage-port={usage_port}"),
        *(f"--tls-dir={files.tls}", f"--service-account-dir={files.account}", f"--namespace={RELEASE_NAMESPACE}"),
    ]
    address = {"KUBERNETES_SERVICE_HOST": API_SERVER_NAME, "KUBERNETES_SERVICE_PORT": str(api_server_port)}
    with _running(command, log, address) as process:
        _wait("tiergate serve", process, port, "/readyz", files.authority, log)
        yield Server(process.pid, port)


def _nginx_conf(port: int, tls: Path) -> str:
    folders = "\n".join(f"  {kind}_temp_path {kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections {NGINX_CONNECTIONS}; }}
http {{
{folders}
  access_log off;
  client_body_buffer_size 64k;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_protocols TLSv1.3;
    ssl_certificate {tls / "tls.crt"};
    ssl_certificate_key {tls / "tls.key"};
    location / {{
      default_type application/json;
      return 200 '{STATIC}';
    }}
  }}
}}
"""


@contextlib.contextmanager
def _running(command: list[str], log: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command with its output in a file, and end it."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **environment})
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(name: str, process: subprocess.Popen[bytes], port: int, path: str, authority: Path, log: Path) -> None:
    """Wait until the path answers 200."""
    context = ssl.create_default_context(cafile=str(authority))
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            url = f"https://{API_SERVER_NAME}:{port}{path}"
            with urllib.request.urlopen(url, timeout=2, context=context):
                return
        time.sleep(0.1)
    said = log.read_text(errors="replace")[-2000:].strip()
    state = "is not ready" if process.poll() is None else f"ended with {process.returncode}"
    msg = f"{name} {state}: {said}"
    raise CannotStartError(msg)
