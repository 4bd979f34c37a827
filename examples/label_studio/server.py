"""Label Studio in its own venv, on loopback, with its data in a folder that goes away."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

VERSION = "1.23.2"
OWNER = "anna@example.org"
START_SECONDS = 1800  # it makes its database first: 1 minute, 10 beside a training run
STOP_SECONDS = 30
REQUEST_SECONDS = 120
LOG_LINES = 15
_MARK = "pyvenv.cfg"


class RoundTripError(Exception):
    """Label Studio cannot be installed, started or asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs.

    Attributes:
        port: Of 127.0.0.1.
        token: Of its first user, :data:`OWNER`.
    """

    port: int
    token: str


class Client:
    """One user of the API: by a token, or signed up and logged in as a browser does."""

    def __init__(self, server: Server, *, token: str | None = None) -> None:
        self._server = server
        self._token = token
        self._cookies = CookieJar()
        # No proxy: it would be asked for its own 127.0.0.1.
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(self._cookies))

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Send JSON and return the JSON of the answer, ``None`` where it is empty.

        Raises:
            RoundTripError: The server refuses, or cannot be reached.
        """
        headers = {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Token {self._token}"
        elif method != "GET":
            headers["X-CSRFToken"] = self._cookie("csrftoken")
        data = None if body is None else json.dumps(body).encode()
        answer = self._send(method, path, data, headers)
        return json.loads(answer) if answer.strip() else None

    def sign_up(self, email: str) -> None:
        """Make an account by the form of the web page; later calls are by it."""
        path = "/user/signup/"
        self._send("GET", path, None, {})  # sets the cookie that the form must repeat
        form = {
            "email": email,
            "password": secrets.token_hex(16),
            "csrfmiddlewaretoken": self._cookie("csrftoken"),
        }
        self._send("POST", path, urlencode(form).encode(), {})
        if not self._cookie("sessionid"):
            raise RoundTripError(f"Label Studio made no account for {email}")

    def _cookie(self, name: str) -> str:
        return next((one.value or "" for one in self._cookies if one.name == name), "")

    def _send(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> bytes:
        url = f"http://127.0.0.1:{self._server.port}{path}"
        request = Request(url, data, {**headers, "Referer": url}, method=method)
        try:
            with self._opener.open(request, timeout=REQUEST_SECONDS) as response:
                content: bytes = response.read()
        except HTTPError as error:
            said = error.read().decode("utf-8", "replace")[:500]
            raise RoundTripError(f"{method} {path}: {error.code} {error.reason}: {said}") from error
        except OSError as error:
            raise RoundTripError(f"{method} {path}: cannot reach Label Studio: {error}") from error
        return content


def install(folder: Path) -> Path:
    """Make a venv with Label Studio, or take the one that is there; return its program.

    Raises:
        RoundTripError: The folder holds something else, or pip fails.
    """
    python, program = folder / "bin" / "python", folder / "bin" / "label-studio"
    if folder.is_file() or (
        folder.is_dir() and any(folder.iterdir()) and not (folder / _MARK).is_file()
    ):
        raise RoundTripError(f"{folder}: is something else than a venv; name another folder")
    if not python.exists():
        _run([sys.executable, "-m", "venv", str(folder)], f"cannot make a venv in {folder}")
    wanted = f"label-studio=={VERSION}"
    if _installed_version(python) != VERSION:
        print(f"installing {wanted} into {folder} (1 to 3 minutes) …", flush=True)
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", wanted]
        _run(
            pip,
            f"cannot install {wanted} into {folder} (PyPI or a mirror that pip knows is needed "
            "once; --venv takes a venv that has it)",
        )
    return program


@contextmanager
def running(program: Path, folder: Path) -> Iterator[Server]:
    """Start Label Studio with its data in ``folder``, wait until it answers, and stop it.

    Raises:
        RoundTripError: It ends, or does not answer within :data:`START_SECONDS`.
    """
    server = Server(_free_port(), secrets.token_hex(20))
    log = folder / "server.log"
    where = ["--internal-host", "127.0.0.1", "--port", str(server.port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            # Legacy tokens can be set beforehand; personal ones need the web page.
            [str(program), "start", "--no-browser", "--enable-legacy-api-token", *where],
            env=_environment(folder, server.token),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(process, server, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _run(command: list[str], problem: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")] or lines[-3:]
        raise RoundTripError("\n  ".join([f"{problem}:", *errors]))


def _installed_version(python: Path) -> str:
    code = "import importlib.metadata as m; print(m.version('label-studio'))"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _environment(folder: Path, token: str) -> dict[str, str]:
    """Little of ours: ``HOST`` or ``DJANGO_DB`` there would lead to another server's data."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    options = {
        "BASE_DATA_DIR": str(folder),
        "DJANGO_DB": "sqlite",
        "USERNAME": OWNER,
        "PASSWORD": secrets.token_hex(16),
        "USER_TOKEN": token,
        # Nothing leaves the machine.
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "FEATURE_FLAGS_OFFLINE": "true",
    }
    own = {f"LABEL_STUDIO_{name}": value for name, value in options.items()}
    return {**kept, "HOME": str(folder), **own}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def _wait(process: subprocess.Popen[bytes], server: Server, log: Path) -> None:
    opener = build_opener(ProxyHandler({}))
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            with opener.open(f"http://127.0.0.1:{server.port}/health", timeout=5):
                return
        except OSError:
            time.sleep(1)
    why = "did not start in time" if process.poll() is None else f"ended ({process.returncode})"
    tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    raise RoundTripError("\n  ".join([f"Label Studio {why}; the end of its log:", *tail]))
