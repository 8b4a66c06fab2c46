"""A server with a web, and what is asked of it over real sockets."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conftest import free_port


class Web:
    """A server whose web listens; `more` stands in its table `[web]`."""

    def __init__(self, served: Callable[..., Any], more: str = "", rest: str = "") -> None:
        self.port = free_port()
        self.server = served(f'[web]\naddress = "127.0.0.1:{self.port}"\n{more}\n{rest}')

    def start(self) -> None:
        self.server.start()
        self.wait(lambda: '"web-ready"' in self.log())

    def ask(
        self,
        path: str = "/",
        *,
        trusting: ssl.SSLContext | None = None,
        method: str = "GET",
        **headers: str,
    ) -> tuple[int, str]:
        """Ask for a page; give its status and text."""
        if trusting is None:
            link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        else:
            link = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=trusting)
        with contextlib.closing(link):
            link.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
            answer = link.getresponse()
            return answer.status, answer.read().decode()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 20)

    @property
    def process(self) -> int:
        """The process of the web."""
        (found,) = [pid for pid in self.server.workers_of() if "ulak.app.web" in _words(pid)]
        return int(found)

    @property
    def workers(self) -> list[int]:
        return [pid for pid in self.server.workers_of() if "ulak.app.worker" in _words(pid)]

    def log(self) -> str:
        return str((self.server.folder / "log").read_text("utf-8", "replace"))

    def wait(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.log()[-4000:]
            time.sleep(0.05)


def _words(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


class Browser:
    """Keeps cookies, and finds the token that a form shows."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> tuple[int, str]:
        return self._ask("GET", path)

    def post(self, path: str, **fields: str) -> tuple[int, str]:
        return self._ask("POST", path, urllib.parse.urlencode(fields))

    def log_in(self, name: str, password: str) -> int:
        """Log in as a person does; give the status."""
        found = re.search(r'name="token" value="([^"]+)"', self.get("/console/login")[1])
        assert found
        return self.post("/console/login", token=found[1], name=name, password=password)[0]

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        link = http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=30)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        with contextlib.closing(link):
            link.request(method, path, body, headers)
            answer = link.getresponse()
            for given in answer.headers.get_all("Set-Cookie", []):
                name, _, value = given.partition(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status, answer.read().decode()
